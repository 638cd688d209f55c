import type { ConnectionName, ConnectorState } from '../../src/idhub/index.ts';
import { isAwsError } from '../../src/aws/index.ts';
import { readCaller } from '../../src/connection/index.ts';
import { accountSchema, type AccountSchema } from '../../src/schema/index.ts';
import type { AwsConnection } from '../api/v1alpha1/index.ts';
import { usable, type ConnectionRegistry, type Verdict } from '../controllers/connection/index.ts';
import type { ConnectorTarget, Standing } from '../http/index.ts';
import { keyString, type Informer } from '../runtime/index.ts';

export interface ConnectionTargetOptions {
  readonly connections: Pick<Informer<AwsConnection>, 'get'>;
  readonly registry: Pick<ConnectionRegistry, 'peek' | 'suspect'>;
}

/** AWS accounts as IDHub's wizard asks about them, from what the connection controller knows. Of the leader only. */
export class ConnectionTarget implements ConnectorTarget {
  readonly #options: ConnectionTargetOptions;

  constructor(options: ConnectionTargetOptions) {
    this.#options = options;
  }

  standing(connection: ConnectionName): Standing {
    const state = this.#options.registry.peek(connection);
    const name = `AwsConnection "${keyString(connection)}"`;
    if (state?.verdict !== undefined) {
      const { reason, message } = state.verdict;
      return { state: stateOf(reason), message: `${name} is not ready (${reason}): ${message}` };
    }
    const ready = usable(state);
    if (ready === undefined) {
      return { state: 'UNKNOWN', message: `${name} is being verified` };
    }
    const { caller, snapshots } = ready;
    if (state?.readingFailed !== undefined) {
      return { state: stateOf(state.readingFailed.reason), message: unreadable(name, state.readingFailed) };
    }
    const { accountId } = caller;
    return snapshots.current === undefined
      ? { state: 'UNKNOWN', message: `${name}: AWS account ${accountId} is being read for the first time` }
      : { state: 'UP', message: `${name}: AWS account ${accountId} answers` };
  }

  async test(connection: ConnectionName, signal: AbortSignal): Promise<Standing> {
    const { registry } = this.#options;
    const state = registry.peek(connection);
    const api = usable(state)?.api ?? state?.candidate?.api ?? state?.link?.api;
    if (api === undefined) {
      return this.standing(connection);
    }
    try {
      const { accountId, arn } = await readCaller(api, { signal, priority: 'interactive' });
      const standing = this.standing(connection);
      return standing.state === 'UP' || standing.state === 'UNKNOWN'
        ? {
            state: 'UP',
            message: `AWS takes the credentials: they are those of ${arn} in AWS account ${accountId}`,
          }
        : standing;
    } catch (error) {
      signal.throwIfAborted();
      if (!isAwsError(error)) {
        throw error;
      }
      if (isAwsError(error, 'badCredentials')) {
        registry.suspect(connection);
      }
      return {
        state: 'DOWN',
        message: `AWS does not take the credentials, or does not answer: ${error.message}`,
      };
    }
  }

  /** @param connection undefined: of one that changes nothing of the guide's */
  schema(connection: ConnectionName | undefined): AccountSchema {
    const known = connection && this.#options.registry.peek(connection)?.terms?.schema;
    if (known !== undefined) {
      return known;
    }
    const object = connection && this.#options.connections.get(connection);
    const { schema, settings } = object?.spec ?? {};
    return accountSchema(schema?.attributes ?? [], settings?.attributeTagPrefix ?? '').schema;
  }
}

function unreadable(name: string, { reason, message }: Verdict): string {
  return `${name}: the last reading of the AWS account is not complete (${reason}): ${message}`;
}

/** What somebody has to set up, what somebody has switched off, and what AWS does not do. */
function stateOf(reason: Verdict['reason']): ConnectorState {
  switch (reason) {
    case 'SecretNotFound':
    case 'SecretInvalid':
    case 'InvalidTimeZone':
    case 'InvalidSchema':
    case 'InvalidSchedule':
    case 'InvalidFilter':
    case 'EndpointOverrideNotAllowed':
      return 'NOT_CONFIGURED';
    case 'Paused':
    case 'InUse':
      return 'OUT_OF_SERVICE';
    case 'Verifying':
      return 'UNKNOWN';
    case 'InvalidCredentials':
    case 'UserNameMismatch':
    case 'AccountMismatch':
    case 'AccessDenied':
    case 'Throttled':
    case 'AwsUnreachable':
    case 'AwsError':
    default:
      return 'DOWN';
  }
}
