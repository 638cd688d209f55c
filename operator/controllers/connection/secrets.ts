import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { isNotFound, removeFinalizer, type Client, type Informer } from '../../runtime/index.ts';
import { annotations, finalizer, hasFinalizer, secretType, type Secret } from '../names.ts';

export interface ConnectionSecretsOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
}

/** The Secrets of connections: read by name each time, never listed or cached. */
export class ConnectionSecrets {
  readonly #options: ConnectionSecretsOptions;

  constructor(options: ConnectionSecretsOptions) {
    this.#options = options;
  }

  /** Reads the Secret by name, and holds it for as long as the connection is needed. */
  async read(connection: AwsConnection, signal: AbortSignal): Promise<Secret | undefined> {
    const { client } = this.#options;
    const key = {
      namespace: connection.metadata.namespace ?? '',
      name: connection.spec.credentials.secretRef.name,
    };
    let secret: Secret;
    try {
      secret = await client.get(secretType, key, { signal });
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
    if (!hasFinalizer(secret.metadata) && secret.metadata.deletionTimestamp === undefined) {
      const { uid, resourceVersion } = secret.metadata;
      await client.mergePatch(
        secretType,
        key,
        { metadata: { uid, resourceVersion, finalizers: withFinalizer(secret.metadata.finalizers) } },
        { signal },
      );
    }
    return secret;
  }

  /** Lets go of the Secret, unless another connection holds it too. */
  async release(connection: AwsConnection, name: string, signal: AbortSignal): Promise<void> {
    const { client, connections } = this.#options;
    const namespace = connection.metadata.namespace ?? '';
    const shared = connections
      .list()
      .some(
        (other) =>
          other.metadata.uid !== connection.metadata.uid &&
          other.metadata.namespace === namespace &&
          other.metadata.annotations?.[annotations.secretName] === name,
      );
    if (shared) {
      return;
    }
    try {
      const secret = await client.get(secretType, { namespace, name }, { signal });
      await removeFinalizer({ client, type: secretType, current: secret, finalizer, signal });
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

export function withFinalizer(finalizers: readonly string[] | undefined): readonly string[] {
  return [...(finalizers ?? []).filter((one) => one !== finalizer), finalizer];
}
