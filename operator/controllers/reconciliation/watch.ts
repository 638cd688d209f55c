import type { AwsReconciliationStatus } from '../../api/v1alpha1/index.ts';
import type { Clock } from '../../runtime/index.ts';

export type Progress = NonNullable<AwsReconciliationStatus['progress']>;

export interface WatchedOptions<T> {
  readonly clock: Clock;
  /** Of the process. */
  readonly signal: AbortSignal;
  /** Why the work is to end now; undefined where it may go on. */
  readonly ends: () => string | undefined;
  /** Tells people how far it is. What it throws is of no consequence. */
  readonly told: (progress: Progress) => Promise<void>;
  readonly work: (
    signal: AbortSignal,
    progress: (step: string, done?: number, of?: number) => void,
  ) => Promise<T>;
}

export interface Watched<T> {
  readonly result:
    { readonly kind: 'value'; readonly value: T } | { readonly kind: 'fault'; readonly error: unknown };
  /** Why it was made to end before it was done. */
  readonly stoppedBy: string | undefined;
}

/** How soon a run that was deleted or paused stops. */
const lookMs = 500;
/** A run that takes no longer tells nothing of its progress, and one that does, this often. */
const tellMs = 5_000;

/** Does long work, and looks meanwhile whether it is still wanted. The work has ended when this resolves. */
export async function watched<T>(options: WatchedOptions<T>): Promise<Watched<T>> {
  const { clock, ends, signal, told, work } = options;
  const stop = new AbortController();
  const over = new AbortController();
  let stoppedBy: string | undefined;
  let progress: Progress | undefined;
  const watching = (async () => {
    let toldAt = clock.monotonic();
    let last: Progress | undefined;
    const either = AbortSignal.any([signal, over.signal]);
    for (;;) {
      await clock.sleep(lookMs, either);
      stoppedBy = ends();
      if (stoppedBy !== undefined) {
        stop.abort(new Error(stoppedBy));
        return;
      }
      if (progress !== undefined && progress !== last && clock.monotonic() - toldAt >= tellMs) {
        toldAt = clock.monotonic();
        last = progress;
        await told(progress).catch(() => undefined);
      }
    }
  })().catch(() => undefined);
  try {
    const value = await work(AbortSignal.any([signal, stop.signal]), (step, done, of) => {
      progress = { step, ...(done === undefined ? {} : { done }), ...(of === undefined ? {} : { of }) };
    });
    return { result: { kind: 'value', value }, stoppedBy: undefined };
  } catch (error) {
    return { result: { kind: 'fault', error }, stoppedBy };
  } finally {
    over.abort();
    await watching;
  }
}
