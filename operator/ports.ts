import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import {
  KubernetesAccess,
  nobodyKnown,
  Origins,
  reportsMount,
  startConnectorServer,
  startHealthServer,
  type Answered,
} from './http/index.ts';
import { Reports } from './reports.ts';
import type { Client, Clock, Logger, Manager } from './runtime/index.ts';

export interface PortsOptions {
  readonly config: Pick<Config, 'metricsAddress' | 'httpAddress' | 'gracePeriodMs' | 'watchNamespaces'>;
  /** One that needs no leadership: any replica answers, and reviews of tokens change nothing. */
  readonly client: Client;
  readonly manager: Pick<Manager, 'healthy' | 'ready'>;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  readonly observeRequest: (answered: Answered) => void;
  /** Of the process. Aborted: not ready any more, nothing new is taken, what is under way may end in the period of grace. */
  readonly signal: AbortSignal;
}

/**
 * The ports of the process: metrics and probes, and reports.
 * @throws {Error} where one cannot be bound
 */
export async function startPorts(options: PortsOptions): Promise<{ close(): Promise<void> }> {
  const { config, client, manager, registry, clock, logger, version, signal } = options;
  const health = await startHealthServer({
    ...config.metricsAddress,
    registry,
    healthy: () => manager.healthy(),
    ready: () => !signal.aborted && manager.ready(),
  });
  logger.info('serving metrics and probes', { host: config.metricsAddress.host, port: health.port, version });
  try {
    const connector = await startConnectorServer({
      ...config.httpAddress,
      mounts: [
        reportsMount({
          access: new KubernetesAccess({ client, clock }),
          reports: new Reports({ client, namespaces: config.watchNamespaces }),
        }),
      ],
      authenticator: nobodyKnown,
      connections: { default: undefined, has: () => false },
      leader: undefined,
      origins: new Origins({ publicUrl: undefined, trustedProxies: [] }),
      clock,
      logger,
      makeId: randomUUID,
      observe: options.observeRequest,
    });
    logger.info('serving reports', { host: config.httpAddress.host, port: connector.port });
    const end = (): Promise<void> => connector.close(signal.aborted ? config.gracePeriodMs : 0);
    signal.addEventListener('abort', () => void end(), { once: true });
    return {
      close: async () => {
        await end();
        await health.close();
      },
    };
  } catch (error) {
    await health.close();
    throw error;
  }
}
