import type { AwsApi, AwsCredentials, Pacer } from '../../../src/aws/index.ts';
import {
  defaultUserQuotas,
  type AccountFacts,
  type Caller,
  type Settings,
  type UserQuotas,
} from '../../../src/connection/index.ts';
import type { Guard } from '../../../src/guard/index.ts';
import type { SnapshotStore } from '../../../src/reconciliation/index.ts';
import type { AccountSchema } from '../../../src/schema/index.ts';
import type { AwsConnectionSpec } from '../../api/v1alpha1/index.ts';
import { keyString, type ObjectKey } from '../../runtime/index.ts';
import type { Missing } from '../breaker.ts';
import type { Verdict } from './conditions.ts';

/** A connection as accounts use it: its client, its snapshot and what it lays down. */
export interface Link {
  readonly key: ObjectKey;
  /** Changes when anything does that a client is made from. */
  readonly fingerprint: string;
  readonly credentials: AwsCredentials;
  readonly api: AwsApi;
  readonly snapshots: SnapshotStore;
  /** When these credentials were first seen, milliseconds since the epoch. */
  readonly since: number;
}

/** What is settled about a connection after it was verified. */
export interface Terms {
  readonly caller: Caller;
  readonly settings: Settings;
  readonly schema: AccountSchema;
  readonly defaults: NonNullable<AwsConnectionSpec['defaults']>;
  /** What is never done through the connection, whoever asks. */
  readonly guard: Guard;
  /** Other namespaces that may use it. */
  readonly allowedNamespaces: readonly string[];
  /** The communication user, which is never managed as an account. */
  readonly communicationUser: string | undefined;
}

/** Credentials that were read and are not verified yet: nobody but the connection itself uses them. */
export type Candidate = Omit<Link, 'snapshots'>;

/** What `spec.discovery` came to. */
export type DiscoveryFindings =
  | { readonly kind: 'invalid'; readonly message: string }
  /** The API server does not take the objects; what it says. */
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'found';
      /** AwsAccounts that were made for users that were found, and are there. */
      readonly accounts: number;
      /** Users that would get one, were it not for the limit. */
      readonly more: number;
      /** Users of whom it could not be told whether they match. */
      readonly unknown: number;
      /** Names that an object of somebody else has. */
      readonly taken: readonly string[];
    };

export type Comparison =
  | { readonly kind: 'none' }
  /** `reading`: which one, as `Snapshot.reading`. */
  | { readonly kind: 'compared'; readonly reading: object | undefined }
  /** It could not be. */
  | { readonly kind: 'failed'; readonly reading: object | undefined; readonly why: string };

/** What the process knows of one connection. */
export interface ConnectionState {
  /** Set together with `terms`, when the credentials are verified: the two always belong together. */
  link: Link | undefined;
  terms: Terms | undefined;
  candidate: Candidate | undefined;
  /** Of the AWS account, for whatever client is in use. */
  pacer: Pacer | undefined;
  /** What is refused of the spec, while earlier settings stay in force. */
  complaint: Verdict | undefined;
  /** Why the last reading of the account failed; undefined where it was complete. */
  readingFailed: Verdict | undefined;
  /** Users that the last complete reading lacks, where they are more than may be deleted at once. */
  missing: Missing | undefined;
  /** What came of comparing the last reading with what was last reconciled; unless it was, what was found before counts. */
  comparison: Comparison;
  /** The value of `reconcile-at` that was last obeyed. */
  reconcileAt: string | undefined;
  facts: AccountFacts | undefined;
  /** Why accounts must wait; undefined where they need not. */
  verdict: Verdict | undefined;
  /** When the credentials were last verified, milliseconds since the epoch. */
  verifiedAt: number | undefined;
  /** When the next snapshot is due. */
  snapshotDueAt: number;
  /** Undefined where nothing is looked for, or was not yet. */
  discovery: DiscoveryFindings | undefined;
  /** A call was answered as if the credentials were bad. */
  suspect: boolean;
}

/** Everything that an account needs to work, all of it present. */
export interface UsableConnection extends Link, Terms {
  readonly quotas: UserQuotas;
  /** How many users the AWS account may have; undefined where AWS has not said. */
  readonly usersQuota: number | undefined;
}

/**
 * The connections that this process has met. The connection controller writes it, the account
 * controller reads it; a connection that was not reconciled yet is not in it.
 */
export class ConnectionRegistry {
  readonly #states = new Map<string, ConnectionState>();
  #listener: (key: ObjectKey) => void = () => undefined;
  #wake: (key: ObjectKey) => void = () => undefined;

  /** The state of a connection, made when it is first asked for. */
  obtain(key: ObjectKey): ConnectionState {
    const name = keyString(key);
    let state = this.#states.get(name);
    if (state === undefined) {
      state = {
        link: undefined,
        terms: undefined,
        candidate: undefined,
        pacer: undefined,
        complaint: undefined,
        readingFailed: undefined,
        missing: undefined,
        comparison: { kind: 'none' },
        reconcileAt: undefined,
        facts: undefined,
        verdict: undefined,
        verifiedAt: undefined,
        snapshotDueAt: 0,
        discovery: undefined,
        suspect: false,
      };
      this.#states.set(name, state);
    }
    return state;
  }

  peek(key: ObjectKey): ConnectionState | undefined {
    return this.#states.get(keyString(key));
  }

  states(): ReadonlyMap<string, ConnectionState> {
    return this.#states;
  }

  /** Forgets a connection and closes its client. */
  drop(key: ObjectKey): void {
    this.#states.get(keyString(key))?.link?.api.close();
    this.#states.get(keyString(key))?.candidate?.api.close();
    this.#states.delete(keyString(key));
  }

  /** Tells accounts that something they wait for has changed. */
  announce(key: ObjectKey): void {
    this.#listener(key);
  }

  onAnnounce(listener: (key: ObjectKey) => void): void {
    this.#listener = listener;
  }

  /** A call was refused for its credentials: look at the Secret now, not at the next poll. */
  suspect(key: ObjectKey): void {
    const state = this.peek(key);
    // While the credentials are in doubt already, another refusal is no news.
    if (state?.terms !== undefined && state.verdict === undefined && !state.suspect) {
      state.suspect = true;
      this.#wake(key);
    }
  }

  /** Somebody needs a reading newer than the one there is. */
  requestSnapshot(key: ObjectKey): void {
    const state = this.peek(key);
    if (state !== undefined && state.snapshotDueAt !== 0) {
      state.snapshotDueAt = 0;
      this.#wake(key);
    }
  }

  /** The status has something new to say. */
  touch(key: ObjectKey): void {
    this.#wake(key);
  }

  onWake(wake: (key: ObjectKey) => void): void {
    this.#wake = wake;
  }
}

/**
 * The connection, if objects that are being deleted may use it: the credentials in memory serve for
 * clean-up although their Secret is gone.
 */
export function usableForCleanup(state: ConnectionState | undefined): UsableConnection | undefined {
  const reason = state?.verdict?.reason;
  const secretGone = reason === 'SecretNotFound' || reason === 'SecretInvalid';
  return state !== undefined && secretGone ? usable({ ...state, verdict: undefined }) : usable(state);
}

/** The connection, if accounts may use it now. */
export function usable(state: ConnectionState | undefined): UsableConnection | undefined {
  return state?.link !== undefined && state.terms !== undefined && state.verdict === undefined
    ? {
        ...state.link,
        ...state.terms,
        quotas: state.facts?.perUser ?? defaultUserQuotas,
        usersQuota: state.facts?.quotas['users']?.quota,
      }
    : undefined;
}
