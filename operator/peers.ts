import { secretType } from './controllers/names.ts';
import type { PeerKey } from './http/index.ts';
import { isAlreadyExists, isNotFound, type Client } from './runtime/index.ts';

/** In the operator's namespace. */
export const peerSecretName = 'idhub-aws-connector-peers';
const entry = 'hmac';
const leastBytes = 32;

export interface PeerSecretOptions {
  /** One that reads without leading. */
  readonly client: Client;
  /** Of the operator. */
  readonly namespace: string;
  /** A new key: 32 bytes, unpredictable. */
  readonly make: () => Buffer;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
}

/** The key by which replicas know each other, in a Secret that the leader makes where there is none. Nothing is lost with it. */
export class PeerSecret implements PeerKey {
  readonly #options: PeerSecretOptions;
  #known: Buffer | undefined;

  constructor(options: PeerSecretOptions) {
    this.#options = options;
  }

  get known(): Buffer | undefined {
    return this.#known;
  }

  async load(signal: AbortSignal): Promise<Buffer | undefined> {
    const { client, namespace, protectSecret } = this.#options;
    const key = { namespace, name: peerSecretName };
    const secret = await client.get(secretType, key, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    });
    const text = Buffer.from(secret?.data?.[entry] ?? '', 'base64').toString('utf8');
    const found = Buffer.from(text, 'base64');
    if (found.length < leastBytes) {
      return undefined;
    }
    protectSecret(text);
    this.#known = found;
    return found;
  }

  /**
   * Makes one where there is none, or none that is good. Rejects as `Client` does.
   * @param leader one that writes only while this process leads
   */
  async obtain(leader: Client, signal: AbortSignal): Promise<void> {
    const { make, namespace } = this.#options;
    if ((await this.load(signal)) !== undefined) {
      return;
    }
    const data = { [entry]: Buffer.from(make().toString('base64')).toString('base64') };
    const metadata = { namespace, name: peerSecretName };
    try {
      await leader.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata, data }, { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
      await leader.mergePatch(secretType, metadata, { data }, { signal });
    }
    await this.load(signal);
  }
}
