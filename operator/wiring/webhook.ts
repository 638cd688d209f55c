import { randomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import {
  DirectoryUnavailableError,
  OperationDesk,
  OperationParser,
  RunParser,
  type ConnectionName,
  type Directories,
} from '../../src/idhub/index.ts';
import type { AccountSchema } from '../../src/schema/index.ts';
import type { Config } from '../config.ts';
import { StoredPasswordKey } from '../controllers/account/index.ts';
import { webhookMount, type Mount } from '../http/index.ts';
import { createWebhookMetrics } from '../webhook-metrics.ts';
import { keyString, type Clock, type Logger, type Manager } from '../runtime/index.ts';
import { OperationConfigMaps, OperationSecret, RunObjects } from '../webhook/index.ts';

export interface WebhookParts {
  readonly config: Pick<Config, 'namespace'>;
  readonly manager: Pick<Manager, 'client' | 'onLeading'>;
  readonly directories: Directories;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string) => void;
}

/** How long an answer waits for the end of operations, ms. */
const waitMs = 20_000;
/** Operations on different users of one connection at once. */
const atOnce = 8;
const sweepMs = 86_400_000;

/** Operations and reconciliations that IDHub asks for; done by the replica that leads. Called before the manager runs. */
export function webhookOf(parts: WebhookParts): Mount {
  const { clock, config, directories, logger, manager, protectSecret, registry } = parts;
  const { client } = manager;
  const { namespace } = config;
  const key = new StoredPasswordKey({ client, namespace, make: () => randomBytes(32), protectSecret });
  const store = new OperationConfigMaps({ client, namespace, clock });
  const metrics = createWebhookMetrics({ registry, backlog: () => desk.backlog, now: () => clock.now() });
  const desk: OperationDesk = new OperationDesk({
    store,
    promises: new OperationSecret({
      client,
      namespace,
      protectSecret,
      unreadable: (entry) =>
        logger.error('an accepted operation cannot be read, and is taken away', { entry }),
    }),
    host: (connection) => {
      const directory = directories.get(connection);
      return (
        directory && {
          directory,
          latest: () => directory.latest(),
          view: (signal) => directory.view(signal),
        }
      );
    },
    digest: async (scope, text, signal) => {
      try {
        return (await key.obtain(signal)).hash(scope, text);
      } catch (error) {
        signal.throwIfAborted();
        logger.error('operations cannot be told from each other', { error });
        throw new DirectoryUnavailableError(
          'The key that operations are known by cannot be read now; the log of the connector says why.',
          { retryAfterMs: 10_000, cause: error },
        );
      }
    },
    clock,
    trouble: (operationId, error) => logger.warn('an operation is held up', { operationId, error }),
    audit: ({ connection, ending, ...who }) => {
      const { status } = ending;
      metrics.countOperation(who.kind, status);
      logger.info('audit', {
        ...who,
        connection: keyString(connection),
        result: status,
        ...('reason' in ending ? { reason: ending.reason } : { account: ending.account.id }),
      });
    },
    waitMs,
    atOnce,
  });
  manager.onLeading((signal) => desk.run(signal));
  manager.onLeading(async (signal) => {
    for (;;) {
      await store.sweep(signal).catch((error: unknown) => {
        signal.throwIfAborted();
        logger.warn('records of operations that are over were not taken away', { error });
      });
      await clock.sleep(sweepMs, signal);
    }
  });
  return webhookMount({
    operations: desk,
    runs: new RunObjects({ client, schemaOf: (connection) => schemaOf(directories, connection) }),
    parser: new OperationParser(),
    runParser: new RunParser(),
  });
}

function schemaOf(directories: Directories, connection: ConnectionName): AccountSchema | undefined {
  try {
    return directories.get(connection)?.latest().schema;
  } catch (error) {
    if (error instanceof DirectoryUnavailableError) {
      return undefined;
    }
    throw error;
  }
}
