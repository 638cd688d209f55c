import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { advertisedAddress } from './advertised.ts';
import type { Config } from './config.ts';
import { ReplicaLeader, type OwnPort } from './http/index.ts';
import { PeerSecret } from './peers.ts';
import type { Client, Clock, Logger, Manager } from './runtime/index.ts';

/** How long to wait before the key of the replicas is asked for again, ms. */
const againMs = 5_000;

export interface ReplicasOptions {
  readonly config: Pick<Config, 'identity' | 'namespace' | 'http' | 'httpAddress'>;
  /** One that reads without leading. */
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly protectSecret: (value: string) => void;
  /** It is made with `annotations`, so that it is there only later. */
  readonly manager: () => Manager;
}

/** The other replicas: whoever does not lead hands requests on to the one that does. */
export class Replicas {
  readonly leader: ReplicaLeader;
  readonly #options: ReplicasOptions;
  readonly #key: PeerSecret;

  constructor(options: ReplicasOptions) {
    const { client, clock, config, manager, protectSecret } = options;
    this.#options = options;
    const key = new PeerSecret({
      client,
      namespace: config.namespace,
      make: () => randomBytes(32),
      protectSecret,
    });
    this.#key = key;
    this.leader = new ReplicaLeader({
      identity: config.identity,
      leading: () => manager().leading,
      holder: () => manager().leader,
      key,
      clock,
    });
  }

  /** Told once the port is bound. */
  serves({
    port,
    certificate,
  }: {
    readonly port: number;
    readonly certificate: OwnPort['certificate'];
  }): void {
    const { config, logger } = this.#options;
    const address = advertisedAddress({
      given: config.http.advertised,
      listens: config.httpAddress,
      port,
      interfaces: networkInterfaces(),
    });
    logger.info('where other replicas reach this one', { address: address ?? 'nowhere' });
    this.leader.serves({ address, certificate });
  }

  /** Where it is known before this one leads, it is said at once where this one is reached; else a moment later. */
  async loadKey(signal: AbortSignal): Promise<void> {
    await this.#key.load(signal).catch(() => signal.throwIfAborted());
  }

  /** Makes the key that replicas know each other by, once this one leads. */
  async obtainKey(signal: AbortSignal): Promise<void> {
    const { clock, logger, manager } = this.#options;
    for (;;) {
      try {
        await this.#key.obtain(manager().client, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        logger.warn('the key of the replicas is not there: requests to others are not handed on', { error });
        await clock.sleep(againMs, signal);
      }
    }
  }
}
