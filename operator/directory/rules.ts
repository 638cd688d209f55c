import { DirectoryUnavailableError, type ConnectionName } from '../../src/idhub/index.ts';
import type { Snapshot } from '../../src/reconciliation/index.ts';
import type { AwsConnection } from '../api/v1alpha1/index.ts';
import { listsStopped } from '../controllers/breaker.ts';
import {
  ReadingComparison,
  usable,
  type ConnectionState,
  type UsableConnection,
} from '../controllers/connection/index.ts';
import { keyString } from '../runtime/index.ts';

/** What tells whether anything can be told of an AWS account now. */
export interface Circumstances {
  readonly connection: ConnectionName;
  /** This process may read AWS. */
  readonly leading: boolean;
  /** The objects of the cluster are known. */
  readonly synced: boolean;
  /** Undefined: there is none of that name. */
  readonly object: AwsConnection | undefined;
  readonly state: ConnectionState | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long ago the last complete reading may have begun, ms. */
  readonly maxAgeMs: number;
}

/** A connection that works, and what was last read of its account. */
export interface Source {
  readonly usable: UsableConnection;
  readonly object: AwsConnection;
  readonly state: ConnectionState;
  readonly snapshot: Snapshot;
}

/** How long to wait for what takes a moment: a start, a hand-over. */
const momentMs = 2_000;
/** For what is tried again by itself. */
const tryMs = 15_000;
/** For what somebody has to mend. */
const mendMs = 60_000;

/**
 * What single accounts can be looked up in. Pure.
 * @throws {DirectoryUnavailableError}
 */
export function sourceOf({ connection, leading, synced, object, state }: Circumstances): Source {
  const name = nameOf(connection);
  if (!synced) {
    throw away('The connector has just started and does not know the objects of the cluster yet.', momentMs);
  }
  if (!leading) {
    throw away('This replica does not lead, and only the one that leads reads AWS.', momentMs);
  }
  if (object === undefined) {
    throw away(`There is no ${name}.`, mendMs);
  }
  if (state === undefined) {
    throw away(`${name} was not looked at yet since the connector has started.`, momentMs);
  }
  if (state.verdict !== undefined) {
    const { reason, message } = state.verdict;
    throw away(`${name} is not ready (${reason}): ${clause(message)}.`, tryMs);
  }
  const ready = usable(state);
  const snapshot = ready?.snapshots.current;
  if (ready === undefined || snapshot === undefined) {
    throw away(`${name} is being verified, and its AWS account read for the first time.`, momentMs);
  }
  return { usable: ready, object, state, snapshot };
}

/**
 * What lists can be made of: deletions are inferred from absence, so that nobody gets a list that may lack somebody.
 * Whether the reading was compared with what was last reconciled is asked by `isCompared`. Pure.
 * @throws {DirectoryUnavailableError}
 */
export function listableOf(circumstances: Circumstances): Source {
  const source = sourceOf(circumstances);
  const { connection, maxAgeMs, now } = circumstances;
  const { object, snapshot, state } = source;
  const name = nameOf(connection);
  if (state.readingFailed !== undefined) {
    const { reason, message } = state.readingFailed;
    throw away(
      `The last reading of ${name} is not complete (${reason}: ${clause(message)}). It is tried again.`,
      tryMs,
    );
  }
  if (now - snapshot.takenAt > maxAgeMs) {
    throw away(
      `The last complete reading of ${name} began at ${new Date(snapshot.takenAt).toISOString()}, longer ago than ` +
        '--list-max-age allows.',
      tryMs,
    );
  }
  const stopped = listsStopped(object);
  if (stopped !== undefined) {
    throw away(`No lists are given: ${stopped}.`, mendMs);
  }
  if (state.missing !== undefined) {
    const { allowed, users } = state.missing;
    throw away(
      `No lists are given: the last reading of ${name} lacks ${users} users that were there, and ${allowed} may be ` +
        'deleted at once. Its condition WithinDeletionLimit says what to do.',
      mendMs,
    );
  }
  if (state.comparison.kind === 'failed' && isCompared(source)) {
    throw away(
      `The last reading of ${name} could not be compared with what was last reconciled, so that it is not known whether ` +
        'users are missing. Its condition WithinDeletionLimit says why; it is tried again.',
      tryMs,
    );
  }
  return source;
}

/** Whether it was tried to compare this very reading with what was last reconciled. */
export function isCompared({ state, usable: { snapshots } }: Source): boolean {
  return ReadingComparison.isCurrent(state, { snapshots });
}

/** Absence of a user in a reading, where AWS lists it: nobody may take that for a deletion. */
export function incomplete(connection: ConnectionName, userName: string): DirectoryUnavailableError {
  return away(
    `AWS lists the user "${userName}", and the last reading of ${nameOf(connection)} does not have it. The account is read anew.`,
    tryMs,
  );
}

/** Readings follow each other faster than each can be looked at. */
export function unsettled(connection: ConnectionName): DirectoryUnavailableError {
  return away(`${nameOf(connection)} is being read again and again at the moment.`, momentMs);
}

export function unread(connection: ConnectionName, what: string, why: string): DirectoryUnavailableError {
  return away(
    `${what} of ${nameOf(connection)} could not be read: ${clause(why)}. It is tried again.`,
    tryMs,
  );
}

/** A sentence as part of another. */
function clause(message: string): string {
  return message.replace(/\.$/, '');
}

function nameOf(connection: ConnectionName): string {
  return `AwsConnection "${keyString(connection)}"`;
}

function away(message: string, retryAfterMs: number): DirectoryUnavailableError {
  return new DirectoryUnavailableError(message, { retryAfterMs });
}
