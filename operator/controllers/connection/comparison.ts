import { isNativeError } from 'node:util/types';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Clock, type Informer, type Logger } from '../../runtime/index.ts';
import type { Missing } from '../breaker.ts';
import type { ConnectionState, Link, Terms } from './registry.ts';

export interface ReadingComparisonOptions {
  readonly connections: Informer<AwsConnection>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Which users of those that were last reconciled a complete reading lacks, beyond the limit. */
  readonly missing: (
    connection: AwsConnection,
    link: Link,
    terms: Terms,
    signal: AbortSignal,
  ) => Promise<Omit<Missing, 'since'> | undefined>;
}

/** Compares the last reading of an account with what was last reconciled, and notes what comes of it. */
export class ReadingComparison {
  readonly #options: ReadingComparisonOptions;

  constructor(options: ReadingComparisonOptions) {
    this.#options = options;
  }

  /** Whether what was noted is of the last complete reading. */
  static isCurrent(
    { comparison }: Pick<ConnectionState, 'comparison'>,
    { snapshots }: Pick<Link, 'snapshots'>,
  ): boolean {
    return comparison.kind !== 'none' && comparison.reading === snapshots.current?.reading;
  }

  /**
   * Lists stop where users are missing beyond the limit. What cannot be compared leaves it as it was.
   * @throws the reason of the signal
   */
  async compare(
    connection: AwsConnection,
    state: ConnectionState,
    link: Link,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, connections, logger, missing } = this.#options;
    if (state.terms === undefined) {
      return;
    }
    // Before anything is awaited: a newer reading is compared anew.
    const reading = link.snapshots.current?.reading;
    const latest = connections.get(keyOf(connection)) ?? connection;
    try {
      const found = await missing(latest, link, state.terms, signal);
      const since = state.missing?.since ?? clock.now();
      state.missing = found === undefined ? undefined : { ...found, since };
      state.comparison = { kind: 'compared', reading };
    } catch (error) {
      signal.throwIfAborted();
      state.comparison = {
        kind: 'failed',
        reading,
        why: isNativeError(error) ? error.message : String(error),
      };
      logger.warn('the reading could not be compared with what was last reconciled', {
        connection: keyString(link.key),
        error,
      });
    }
  }
}
