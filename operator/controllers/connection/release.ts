import {
  awsConnectionType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  keyOf,
  keyString,
  removeFinalizer,
  type Client,
  type Informer,
  type KubeObject,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import { annotations, finalizer, hasFinalizer, isAbandoned } from '../names.ts';
import type { ConnectionSecrets } from './secrets.ts';

export interface ConnectionReleaseOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `connection`: `namespace/name` of the connection. */
  readonly accounts: Informer<AwsAccount>;
  /** Indexed by `connection`: the one that holds the edge, or that is named. */
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly secrets: ConnectionSecrets;
  readonly logger: Logger;
  /** Counts objects that were let go of without being cleaned up. */
  readonly countAbandoned: (kind: string) => void;
}

/** What still needs a connection to be cleaned up. */
export interface Needed {
  readonly accounts: number;
  readonly bindings: number;
}

/** Lets go of a connection, and of its Secret, when nothing needs them any more. */
export class ConnectionRelease {
  readonly #options: ConnectionReleaseOptions;

  constructor(options: ConnectionReleaseOptions) {
    this.#options = options;
  }

  /** Objects that stand for something in AWS, those that are being abandoned not among them. */
  neededBy(key: ObjectKey): Needed {
    const { accounts, bindings } = this.#options;
    const standing = ({ metadata }: KubeObject): boolean => hasFinalizer(metadata) && !isAbandoned(metadata);
    return {
      accounts: accounts.byIndex('connection', keyString(key)).filter(standing).length,
      bindings: bindings.byIndex('connection', keyString(key)).filter(standing).length,
    };
  }

  isNeeded(key: ObjectKey): boolean {
    const { accounts, bindings } = this.neededBy(key);
    return accounts > 0 || bindings > 0;
  }

  /** The Secret first: while the connection has its finalizer, a repeat finds what is left to do. */
  async release(connection: AwsConnection, signal: AbortSignal): Promise<void> {
    const { client, connections, countAbandoned, logger, secrets } = this.#options;
    const { metadata } = connection;
    if (!hasFinalizer(metadata)) {
      return;
    }
    if (isAbandoned(metadata)) {
      countAbandoned('AwsConnection');
      logger.warn('let go of, as its annotation asks', { connection: keyString(keyOf(connection)) });
    }
    const held = metadata.annotations?.[annotations.secretName];
    if (held !== undefined) {
      await secrets.release(connection, held, signal);
    }
    await removeFinalizer({
      client,
      type: awsConnectionType,
      current: connection,
      finalizer,
      informer: connections,
      signal,
    });
  }
}
