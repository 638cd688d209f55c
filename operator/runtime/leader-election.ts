import type { Clock } from './clock.ts';
import type { Client, LeaderElectionOptions, LeaseHolder } from './contracts.ts';
import { isConflict, isAlreadyExists, isNotFound } from './errors.ts';
import type { Logger } from './logger.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** `coordination.k8s.io/v1` Lease. Times are RFC 3339 with exactly six digits of a second. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

const leases: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

export interface LeaderElectorOptions extends LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Called with true when the lease is won, with false when it is lost or given back. */
  readonly onChange?: (leading: boolean) => void;
}

/**
 * Leader election on a Lease, as client-go's `leaderelection` does it with its times. Clocks of
 * different machines are never compared: a lease has expired when it did not change for its
 * duration while we watched. Writes carry the resource version read, so that two cannot both win.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  /** The lease as last read or written; undefined where it has to be read before it is written. */
  #observed: Lease | undefined;
  /** The same for others to be told. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  #observedAt = 0;
  #state: 'waiting' | 'leading' | 'lost' | 'released' = 'waiting';
  /** When the last successful renewal was sent, by both clocks. */
  #renewed = { monotonic: 0, wall: 0 };

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (
      this.#leaseDurationMs <= this.#renewDeadlineMs ||
      this.#renewDeadlineMs <= 1.2 * this.#retryPeriodMs
    ) {
      throw new RangeError('lease duration > renew deadline > 1.2 × retry period must hold');
    }
  }

  /** Whether writes are safe now: no other process can have taken the lease yet. */
  get leading(): boolean {
    return this.#state === 'leading' && this.#sinceRenewal() < this.#renewDeadlineMs;
  }

  /** False when the lease was lost, or its renewal hangs for longer than the lease lasts. */
  get healthy(): boolean {
    return (
      this.#state !== 'lost' &&
      (this.#state !== 'leading' || this.#sinceRenewal() < 2 * this.#leaseDurationMs)
    );
  }

  /** Who holds the lease, as far as it was seen; one that was not renewed for as long as it lasts is nobody's. */
  get holder(): LeaseHolder | undefined {
    if (this.#seen === undefined) {
      return undefined;
    }
    const { at, lease } = this.#seen;
    const { holderIdentity = '', leaseDurationSeconds = 0 } = lease.spec ?? {};
    const valid = this.#options.clock.monotonic() < at + leaseDurationSeconds * 1000;
    const givenUp = holderIdentity === this.#options.identity && this.#state !== 'leading';
    return holderIdentity === '' || !valid || givenUp
      ? undefined
      : { identity: holderIdentity, annotations: lease.metadata.annotations ?? {} };
  }

  /** Resolves once the lease is held; rejects with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options;
    while (!(await this.#attempt(this.#renewDeadlineMs / 2, signal))) {
      // Sooner than client-go, whose 2 to 4.4 s would be most of the 5 s that a hand-over may take.
      await clock.sleep(this.#retryPeriodMs * (0.5 + random()), signal);
    }
    signal.throwIfAborted();
    this.#state = 'leading';
    this.#options.onChange?.(true);
    logger.info('the lease is ours', { lease: this.#name, identity: this.#options.identity });
  }

  /** Renews until `signal` aborts, or the lease is lost: taken, or not renewed in time. */
  async hold(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    const { clock, logger } = this.#options;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const expire = (): void => over.abort(new Error('the lease was not renewed in time'));
    let cancel = clock.setTimeout(expire, this.#renewDeadlineMs - this.#sinceRenewal());
    try {
      for (;;) {
        await clock.sleep(this.#retryPeriodMs, either);
        if (this.#sinceRenewal() >= this.#renewDeadlineMs) {
          expire();
        } else if (await this.#attempt(this.#renewDeadlineMs / 2, over.signal)) {
          // A renewal under way is not broken off by a stop: whether it took effect would be unknown.
          cancel();
          cancel = clock.setTimeout(expire, this.#renewDeadlineMs - this.#sinceRenewal());
        } else if (
          this.#observed !== undefined &&
          this.#observed.spec?.holderIdentity !== this.#options.identity
        ) {
          over.abort(new Error('another process took the lease'));
        }
        either.throwIfAborted();
      }
    } catch (error) {
      if (signal.aborted && !over.signal.aborted) {
        return 'stopped';
      }
      this.#state = 'lost';
      this.#options.onChange?.(false);
      logger.error('the lease is lost', { lease: this.#name, error });
      return 'lost';
    } finally {
      cancel();
    }
  }

  /** Stops renewing without giving back: the lease will expire. */
  abandon(): void {
    if (this.#state === 'leading') {
      this.#state = 'released';
      this.#options.onChange?.(false);
    }
  }

  /** Gives the lease back so that another need not wait for its end. Never throws. */
  async release(): Promise<void> {
    if (!this.leading || this.#observed === undefined) {
      return;
    }
    const { client, clock, logger, identity } = this.#options;
    const now = microTime(clock.now());
    this.#state = 'released';
    this.#options.onChange?.(false);
    const stop = new AbortController();
    const cancel = clock.setTimeout(
      () => stop.abort(new Error('no answer in time')),
      this.#renewDeadlineMs / 2,
    );
    const { signal } = stop;
    const give = async ({ metadata: { resourceVersion } }: Lease): Promise<void> => {
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
      const patch = { metadata: { resourceVersion }, spec };
      await client.mergePatch(leases, this.#options, patch, { signal });
    };
    try {
      await give(this.#observed).catch(async (error: unknown) => {
        const lease = isConflict(error) ? await client.get(leases, this.#options, { signal }) : undefined;
        if (lease?.spec?.holderIdentity !== identity) {
          throw error;
        }
        await give(lease);
      });
      logger.info('the lease is given back', { lease: this.#name });
    } catch (error) {
      logger.warn('the lease could not be given back and will expire', { error });
    } finally {
      cancel();
    }
  }

  get #name(): string {
    return `${this.#options.namespace}/${this.#options.name}`;
  }

  /** The longer of what two clocks say: the monotonic one may stand still while a machine sleeps. */
  #sinceRenewal(): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonic() - this.#renewed.monotonic, clock.now() - this.#renewed.wall);
  }

  /** One try to take or renew; false when it failed or the lease is another's. */
  async #attempt(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock, logger } = this.#options;
    const stop = new AbortController();
    const cancel = clock.setTimeout(() => stop.abort(new Error('no answer in time')), timeoutMs);
    const sent = { monotonic: clock.monotonic(), wall: clock.now() };
    try {
      const held = await this.#takeOrRenew(sent, AbortSignal.any([signal, stop.signal]));
      if (held && !signal.aborted) {
        this.#renewed = sent;
      }
      return held && !signal.aborted;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) {
        // The next attempt reads it anew.
        this.#observed = undefined;
        logger.debug('somebody else changed the lease', { lease: this.#name });
      } else if (!signal.aborted) {
        logger.warn('the lease could not be read or written', { lease: this.#name, error });
      }
      return false;
    } finally {
      cancel();
    }
  }

  async #takeOrRenew(
    sent: { readonly monotonic: number; readonly wall: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client, identity } = this.#options;
    // The holder writes without reading first. A conflict makes it read: somebody may have labelled
    // the lease, or an answer of ours got lost.
    if (this.#state !== 'leading' || this.#observed === undefined) {
      const read = await client.get(leases, this.#options, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) {
          return undefined;
        }
        throw error;
      });
      if (read === undefined) {
        const { name, namespace } = this.#options;
        const lease: Lease = {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name, namespace, ...this.#annotations() },
          spec: this.#specFor(undefined, sent.wall),
        };
        this.#observe(await client.create(leases, lease, { signal }), sent.monotonic);
        return true;
      }
      this.#observe(read, this.#options.clock.monotonic());
      const { holderIdentity = '', leaseDurationSeconds = 0 } = read.spec ?? {};
      const valid = sent.monotonic < this.#observedAt + leaseDurationSeconds * 1000;
      if (holderIdentity !== identity && (this.#state === 'leading' || holderIdentity !== '')) {
        // A holder that finds another name has lost, even if that name's time is over too.
        if (valid || this.#state === 'leading') {
          return false;
        }
      }
    }
    const { resourceVersion } = this.#observed?.metadata ?? {};
    const spec = this.#specFor(this.#observed, sent.wall);
    const patch = { metadata: { resourceVersion, ...this.#annotations() }, spec };
    const written = await client.mergePatch(leases, this.#options, patch, { signal });
    this.#observe(written, sent.monotonic);
    return true;
  }

  /** Takes a lease into account; its time of observation moves only when it changed. */
  #observe(lease: Lease, at: number): void {
    const before = this.#observed?.metadata;
    const { uid, resourceVersion } = lease.metadata;
    if (before?.uid !== uid || before?.resourceVersion !== resourceVersion) {
      this.#observedAt = at;
    }
    if (this.#seen?.lease.metadata.resourceVersion !== resourceVersion) {
      this.#seen = { lease, at };
    }
    this.#observed = lease;
  }

  #annotations(): { readonly annotations?: Readonly<Record<string, string>> } {
    const annotations = this.#options.annotations?.();
    return annotations === undefined ? {} : { annotations };
  }

  #specFor(before: Lease | undefined, now: number): NonNullable<Lease['spec']> {
    const { identity } = this.#options;
    const time = microTime(now);
    const mine = before?.spec?.holderIdentity === identity;
    const transitions = before?.spec?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      renewTime: time,
      acquireTime: mine ? (before.spec?.acquireTime ?? time) : time,
      leaseTransitions: mine || before === undefined ? transitions : transitions + 1,
    };
  }
}
