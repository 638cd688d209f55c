import type { LinkSecret } from '../../src/idhub/index.ts';
import { secretType, type Secret } from '../controllers/names.ts';
import { isConflict, isNotFound, type Client } from '../runtime/index.ts';

const entry = 'refreshToken';
/** Others' changes between our reading and our writing are rare; more than this in a row are no chance. */
const mostTries = 5;

/** The Secret that --idhub-secret names: read live, by name, and one entry of it written. */
export class IdhubSecret implements LinkSecret {
  readonly #client: Client;
  readonly #key: { readonly namespace: string; readonly name: string };

  /** @param options.client one that writes only while this process leads */
  constructor(options: { readonly client: Client; readonly namespace: string; readonly name: string }) {
    this.#client = options.client;
    this.#key = { namespace: options.namespace, name: options.name };
  }

  async read(signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      return valuesOf(await this.#client.get(secretType, this.#key, { signal }));
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async save(
    refreshToken: string,
    previous: string | undefined,
    signal: AbortSignal,
  ): Promise<'saved' | 'superseded'> {
    for (let tries = 1; ; tries += 1) {
      const secret = await this.#client.get(secretType, this.#key, { signal });
      const present = valuesOf(secret)[entry]?.trim() || undefined;
      if (present === refreshToken) {
        return 'saved';
      }
      if (present !== previous) {
        return 'superseded';
      }
      const { uid, resourceVersion } = secret.metadata;
      try {
        await this.#client.mergePatch(
          secretType,
          this.#key,
          {
            metadata: { uid, resourceVersion },
            data: { [entry]: Buffer.from(refreshToken, 'utf8').toString('base64') },
          },
          { signal },
        );
        return 'saved';
      } catch (error) {
        if (!isConflict(error) || tries === mostTries) {
          throw error;
        }
      }
    }
  }
}

function valuesOf(secret: Secret): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  );
}
