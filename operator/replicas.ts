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
  readonly config: Pick<Config, 'identity' | 'namespace' | 'advertiseAddress' | 'httpAddress'>;
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

  constructor(options: ReplicasOptions) {
    const { client, clock, config, manager, protectSecret } = options;
    this.#options = options;
    const writer = (): Client => manager().client;
    const key = new PeerSecret({
      client,
      leader: {
        create: (...given) => writer().create(...given),
        mergePatch: (...given) => writer().mergePatch(...given),
      },
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

  readonly #key: PeerSecret;

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
      given: config.advertiseAddress,
      listens: config.httpAddress,
      port,
      interfaces: networkInterfaces(),
    });
    logger.info('where other replicas reach this one', { address: address ?? 'nowhere' });
    this.leader.serves({ address, certificate });
  }

  /** Makes the key that replicas know each other by, once this one leads. */
  async obtainKey(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    for (;;) {
      try {
        await this.#key.obtain(signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        logger.warn('the key of the replicas is not there: requests to others are not handed on', { error });
        await clock.sleep(againMs, signal);
      }
    }
  }
}
