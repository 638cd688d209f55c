import type { Gauge, Registry } from 'prom-client';
import { untilAnswered } from '../api-server.ts';
import { ApiError, isNotFound, type Client, type Clock, type Logger } from '../runtime/index.ts';
import { createDefinitionsMetric } from './metric.ts';
import { sentenceOf, shortfallOf, type Needed, type Shortfall } from './compare.ts';

/** Between two looks at the start, while something is short: this, doubling, up to `slowestMs`; again from the start where it changed. */
const firstMs = 2_000;
const slowestMs = 30_000;
/** Other API servers behind one address learn of a definition a moment after the one that was asked. */
const settleMs = 2_000;
/** Between two looks while the operator works, beside those at the end of a watch. */
const everyMs = 60_000;
/** A look that began so long ago counts for all watches that end together. */
const freshMs = 500;

export interface DefinitionsCheckOptions {
  readonly needed: Needed;
  readonly client: Pick<Client, 'openApi'>;
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
}

/**
 * Whether the API server serves the definitions that this version needs. Where it serves older ones it drops fields that
 * it does not know, also when it reads: a status is lost, and what is declared looks as if it were not.
 */
export class DefinitionsCheck {
  readonly #options: DefinitionsCheckOptions;
  readonly #gauge: Gauge<'crd'>;
  readonly #outdated = new AbortController();
  #etag: string | undefined;
  #found: Shortfall = { absent: [], outdated: new Map() };
  /** Looks in a row that have found a kind not served. */
  #absentLooks = 0;
  #begunAt = -Infinity;
  #look: Promise<Shortfall> | undefined;
  #fault: string | undefined;
  /** Looks in a row that the API server has refused, and the last status. */
  #refused = { looks: 0, code: 0 };

  constructor(options: DefinitionsCheckOptions) {
    this.#options = options;
    this.#gauge = createDefinitionsMetric(options.registry);
  }

  /** Why the operator cannot work, in a sentence that says what to do; undefined while it can. */
  get fault(): string | undefined {
    const { code, looks } = this.#refused;
    // One that has just started refuses for a moment what it has not read the roles of.
    return this.#fault ?? (looks > 1 ? refusalOf(this.#options.needed, code) : undefined);
  }

  /** Aborts once a definition that was as needed at the start is served with less than that. */
  get outdated(): AbortSignal {
    return this.#outdated.signal;
  }

  /** Resolves once all is served as it is needed. Writes nothing. @throws the reason of `signal` */
  async untilServed(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    let waitMs = firstMs;
    for (;;) {
      const before = this.#fault;
      this.#tell(await untilAnswered(clock, logger, signal, () => this.#lookNow(signal)));
      if (this.#fault === undefined) {
        if (before === undefined) {
          return;
        }
        await clock.sleep(settleMs, signal);
        continue;
      }
      waitMs = this.#fault === before ? Math.min(slowestMs, waitMs * 2) : firstMs;
      await clock.sleep(this.#spread(waitMs), signal);
    }
  }

  /**
   * For informers, before they read on where a watch ended. A kind that is not served at all stops nothing: what is left of
   * an uninstallation has to be finished.
   * @throws {Error} where a definition is outdated, or where it cannot be found out
   */
  async admit(signal: AbortSignal): Promise<void> {
    const since = this.#options.clock.monotonic() - freshMs;
    // One that is under way for longer may have been answered before what ended the watch.
    while (this.#begunAt <= since) {
      this.#look ??= this.#lookNow(signal).finally(() => {
        this.#look = undefined;
      });
      await this.#look;
    }
    if (this.#found.outdated.size > 0) {
      this.#tell(this.#found);
      const outdated = new Error('a CRD is out of date');
      this.#outdated.abort(outdated);
      throw outdated;
    }
    // An API server that has just started publishes definitions a moment later: told when it is seen twice.
    if (this.#absentLooks !== 1) {
      this.#tell(this.#found);
    }
  }

  /** Looks again from time to time until `signal` aborts; never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(this.#spread(this.#absentLooks > 0 ? firstMs : everyMs), signal);
        await this.admit(signal);
      } catch (error) {
        if (!signal.aborted) {
          logger.debug('looking at the CRDs', { error });
        }
      }
    }
  }

  async #lookNow(signal: AbortSignal): Promise<Shortfall> {
    const { client, clock, needed } = this.#options;
    const begunAt = clock.monotonic();
    try {
      const answer = await client.openApi(needed, { signal, etag: this.#etag });
      if (answer !== undefined) {
        this.#found = shortfallOf(needed, answer.document);
        this.#etag = answer.etag;
      }
    } catch (error) {
      if (!isNotFound(error)) {
        const refusal = error instanceof ApiError && error.code !== 429 ? error.code : undefined;
        this.#refused =
          refusal === undefined ? { looks: 0, code: 0 } : { looks: this.#refused.looks + 1, code: refusal };
        throw error;
      }
      this.#found = shortfallOf(needed, undefined);
      this.#etag = undefined;
    }
    this.#begunAt = begunAt;
    this.#refused = { looks: 0, code: 0 };
    this.#absentLooks = this.#found.absent.length > 0 ? this.#absentLooks + 1 : 0;
    return this.#found;
  }

  #tell(found: Shortfall): void {
    const { logger, needed } = this.#options;
    for (const { crd } of needed.kinds) {
      this.#gauge.set({ crd }, found.absent.includes(crd) || found.outdated.has(crd) ? 1 : 0);
    }
    const fault = sentenceOf(needed, found);
    if (fault === this.#fault) {
      return;
    }
    this.#fault = fault;
    if (fault === undefined) {
      logger.info('the CRDs are served as they are needed');
    } else {
      logger.error('the CRDs do not fit this version', { fault });
    }
  }

  #spread(ms: number): number {
    return ms * (0.9 + this.#options.random() * 0.2);
  }
}

/** Without an answer nothing is read of objects either, so that changes of them are not seen. */
function refusalOf({ group, version }: Needed, code: number): string {
  const path = `/openapi/v3/apis/${group}/${version}`;
  return (
    `the API server does not say which CRDs it serves: it answers ${code} to ${path}` +
    (code === 401 || code === 403 ? '; give the operator get on this nonResourceURL' : '')
  );
}
