import type { AwsConnection } from '../api/v1alpha1/index.ts';
import { keyOf, keyString, parseKey, type ObjectMeta } from '../runtime/index.ts';
import { annotations } from './names.ts';

/** Users that were last reconciled, and that a complete reading lacks: more than may be deleted at once. */
export interface Missing {
  readonly users: number;
  readonly allowed: number;
  /** Since when, milliseconds since the epoch. */
  readonly since: number;
}

/** The scope of all users. */
export const allUsers = 'default';

/** A run whose deletions were stopped, by the scope that it compared. */
export interface StoppedRun {
  /** Of the filter; `allUsers` without. */
  readonly scope: string;
  /** What it compared. */
  readonly resources: readonly string[];
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
  return stopped ?? [{ scope: allUsers, resources: [], run: '', since: 0, deletions: 0 }];
}

/** With one more stopped run; one of the same scope keeps its time. Pure. */
export function opened(before: readonly StoppedRun[], run: StoppedRun): readonly StoppedRun[] {
  const same = before.find(({ scope }) => scope === run.scope);
  const others = before.filter(({ scope }) => scope !== run.scope);
  const next = [...others, same === undefined ? run : { ...run, since: same.since }];
  // What is missing of all users keeps lists closed, however many filters there are.
  const limited = next.filter(({ scope }) => scope !== allUsers);
  const oldest = new Set(limited.slice(0, Math.max(0, next.length - maxScopes)));
  return next.filter((stop) => !oldest.has(stop));
}

/**
 * What is left after a run that was complete within the limit, or approved: those of another scope, unless it
 * was of all users, and those that compared what it did not. Pure.
 */
export function closed(
  before: readonly StoppedRun[],
  {
    scope,
    resources,
    first,
  }: Pick<StoppedRun, 'scope' | 'resources'> & {
    /** Nothing was known of its scope: it can say nothing of others. */
    readonly first: boolean;
  },
): readonly StoppedRun[] {
  return before.filter(
    (stopped) =>
      ((scope !== allUsers || first) && stopped.scope !== scope) ||
      stopped.resources.some((resource) => !resources.includes(resource)),
  );
}

/** The annotation; null takes it away. */
export function writeStopped(stopped: readonly StoppedRun[]): string | null {
  return stopped.length === 0 ? null : JSON.stringify(stopped);
}

/**
 * Why lists that others take deletions from stop, and what to do; undefined where they need not. Any
 * replica may ask: what only the leader has seen is in the status of the connection.
 */
export function listsStopped({ metadata, status }: AwsConnection): string | undefined {
  const [stopped] = stoppedRuns(metadata);
  const connection = keyString(keyOf({ metadata }));
  if (stopped !== undefined) {
    const what =
      stopped.run === ''
        ? 'deletions were stopped'
        : `AwsReconciliation "${stopped.run}" found ${stopped.deletions} missing`;
    const { namespace, name } = parseKey(stopped.run);
    const how = stopped.run === '' ? '' : ` (kubectl describe awsrecon ${name} -n ${namespace})`;
    return (
      `the breaker of AwsConnection "${connection}" is open: ${what}, more than may be deleted at once. Approve them as that ` +
      `run says${how}, or mend what hides them: the next Full run of the same filter and resources that is within the limit closes ` +
      'it. Where that run is gone, make a new AwsReconciliation: it stops with a token to approve'
    );
  }
  const missing = status?.breaker?.missing;
  return missing === undefined
    ? undefined
    : `the breaker of AwsConnection "${connection}" is open: ${missing} users are missing in the last reading, more than may be ` +
        'deleted at once. It closes by itself with a reading that has them. If they are gone in truth, make an AwsReconciliation: it stops with a ' +
        'token to approve';
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
  const { scope, resources, run, since, deletions } = (each ?? {}) as Partial<StoppedRun>;
  return (
    Array.isArray(resources) &&
    typeof scope === 'string' &&
    typeof run === 'string' &&
    typeof since === 'number' &&
    typeof deletions === 'number'
  );
}
