import type { ObjectMeta } from '../runtime/index.ts';
import { annotations } from './names.ts';

/** A run whose deletions were stopped, by the scope that it compared. */
export interface StoppedRun {
  /** Of the filter; that of all users is `default`. */
  readonly scope: string;
  /** `namespace/name` of the run that was stopped last. */
  readonly run: string;
  /** Since when deletions of this scope are stopped, milliseconds since the epoch. */
  readonly since: number;
  /** How many were missing. */
  readonly deletions: number;
}

/** 10 kB of the 256 kB that annotations have; of more, the oldest make room. */
const maxScopes = 100;

/**
 * What a connection remembers of runs that were stopped; none where its breaker is closed. A text that
 * somebody spoilt is an open breaker: only a complete run, or who takes the annotation away, closes it.
 */
export function stoppedRuns({ annotations: noted }: Pick<ObjectMeta, 'annotations'>): readonly StoppedRun[] {
  const text = noted?.[annotations.breaker];
  if (text === undefined) {
    return [];
  }
  const stopped = parsed(text);
  return stopped ?? [{ scope: 'default', run: '', since: 0, deletions: 0 }];
}

/** With one more stopped run; one of the same scope keeps its time. Pure. */
export function opened(before: readonly StoppedRun[], run: StoppedRun): readonly StoppedRun[] {
  const same = before.find(({ scope }) => scope === run.scope);
  const others = before.filter(({ scope }) => scope !== run.scope);
  return [...others, same === undefined ? run : { ...run, since: same.since }].slice(-maxScopes);
}

/** What is left after a run that was complete within the limit, or approved. One of all users closes all. Pure. */
export function closed(before: readonly StoppedRun[], scope: string): readonly StoppedRun[] {
  return scope === 'default' ? [] : before.filter((stopped) => stopped.scope !== scope);
}

/** The annotation; null takes it away. */
export function writeStopped(stopped: readonly StoppedRun[]): string | null {
  return stopped.length === 0 ? null : JSON.stringify(stopped);
}

function parsed(text: string): readonly StoppedRun[] | undefined {
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) && list.length > 0 && list.every(isStopped) ? list : undefined;
  } catch {
    return undefined;
  }
}

function isStopped(each: unknown): each is StoppedRun {
  const { scope, run, since, deletions } = (each ?? {}) as Partial<StoppedRun>;
  return (
    typeof scope === 'string' &&
    typeof run === 'string' &&
    typeof since === 'number' &&
    typeof deletions === 'number'
  );
}
