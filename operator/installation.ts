import { configMapType } from './controllers/names.ts';
import { isAlreadyExists, isNotFound, type Client } from './runtime/index.ts';

const name = 'idhub-aws-connector';
const entry = 'installationId';

/** There is an installation id, and it cannot be used: waiting does not help. */
export class UnusableInstallation extends Error {
  override readonly name = 'UnusableInstallation';
}

/**
 * What marks IAM users as this installation's: the given id, else the one in the operator's
 * ConfigMap, else a new one, written there before it is used. It must outlive the process and, by
 * backup or flag, the cluster: with another id every user would look like somebody else's.
 */
export async function obtainInstallationId(options: {
  readonly client: Client;
  readonly namespace: string;
  readonly given: string | undefined;
  readonly make: () => string;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { client, namespace, given, signal } = options;
  if (given !== undefined) {
    return given;
  }
  const key = { namespace, name };
  for (;;) {
    try {
      const present = await client.get(configMapType, key, { signal });
      const id = present.data?.[entry];
      if (id === undefined || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) {
        throw new UnusableInstallation(
          `ConfigMap ${namespace}/${name} has no usable ${entry}; restore it from a backup, or start with --installation-id. ` +
            'With a new id, no IAM user that this installation made would be known as its own',
        );
      }
      return id;
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
    try {
      await client.create(
        configMapType,
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace },
          data: { [entry]: options.make() },
        },
        { signal },
      );
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
  }
}
