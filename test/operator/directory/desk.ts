import type { CredentialFacts, ObservedUser } from '../../../src/account/index.ts';
import { AwsError, type AwsApi, type Priority } from '../../../src/aws/index.ts';
import { SnapshotStore, type AccountReading, type GroupPolicies } from '../../../src/reconciliation/index.ts';
import { fold } from '../../../src/schema/index.ts';
import {
  awsAccountType,
  awsConnectionType,
  type AwsAccount,
  type AwsConnection,
} from '../../../operator/api/v1alpha1/index.ts';
import { connectionKey } from '../../../operator/controllers/account/index.ts';
import {
  ConnectionRegistry,
  ReadingComparison,
  type ConnectionState,
} from '../../../operator/controllers/connection/index.ts';
import { Catalogues, SnapshotViews } from '../../../operator/directory/index.ts';
import { Cache } from '../../../operator/runtime/cache.ts';
import {
  createLogger,
  keyString,
  type KubeObject,
  type ObjectKey,
  type ResourceType,
} from '../../../operator/runtime/index.ts';
import { FakeClock } from '../../src/fake-clock.ts';
import { observed } from '../../src/account/material.ts';
import { account, connection, usableConnection } from '../controllers/material.ts';

export const key: ObjectKey = { namespace: 'ns', name: 'main' };
export const minuteMs = 60_000;
export const intervalMs = 10 * minuteMs;
export const maxAgeMs = 3 * intervalMs;

/** A user of the account, made an hour ago. */
export function person(id: string, userName: string, more: Partial<ObservedUser> = {}): ObservedUser {
  const arn = `arn:aws:iam::111122223333:user/${userName}`;
  const createdAt = Date.UTC(2026, 0, 1) - 60 * minuteMs;
  return observed({ userId: id, userName, arn, createdAt, ...more });
}

export function group(name: string, id = `AGPA${name.toUpperCase()}`): GroupPolicies {
  return { group: name, id, arn: `arn:aws:iam::111122223333:group/${name}`, policies: [] };
}

/** One connection with the account that it reads, and the objects of its users. */
export class Desk {
  readonly clock = new FakeClock();
  readonly connections = cacheOf<AwsConnection>(awsConnectionType);
  readonly accounts = cacheOf<AwsAccount>(awsAccountType, (object) => [keyString(connectionKey(object))]);
  readonly registry = new ConnectionRegistry();
  readonly calls: { readonly operation: string; readonly priority: Priority | undefined }[] = [];
  /** What a reading of the account shows. */
  users: readonly ObservedUser[] = [];
  groups: readonly GroupPolicies[] = [];
  credentials: Readonly<Record<string, CredentialFacts>> = {};
  unread: AccountReading['unread'] = new Map();
  /** What a listing shows; undefined: what a reading does. */
  listed: readonly ObservedUser[] | undefined;
  policies: readonly { readonly id: string; readonly arn: string }[] = [];
  /** Whom the last reading lacks, beyond the limit. */
  missing: () => Promise<{ readonly users: number; readonly allowed: number } | undefined> = () =>
    Promise.resolve(undefined);
  compared = 0;
  leading = true;
  /** What the next call to AWS fails with. */
  fault: AwsError | undefined;
  /** Waited for before AWS answers. */
  gate: Promise<void> = Promise.resolve();
  state!: ConnectionState;
  views!: SnapshotViews;
  catalogues!: Catalogues;
  snapshots!: SnapshotStore;

  /** With this connection read once, unless told. */
  static async open(
    users: readonly ObservedUser[],
    { read = true, synced = true }: { readonly read?: boolean; readonly synced?: boolean } = {},
  ): Promise<Desk> {
    const desk = new Desk();
    desk.users = users;
    desk.put(connection());
    if (synced) {
      desk.connections.synced();
      desk.accounts.synced();
    }
    await desk.#connect();
    if (read) {
      await desk.read();
    }
    return desk;
  }

  async #connect(): Promise<void> {
    const usable = await usableConnection({ pageSize: 100, passwordLastUsed: true });
    this.snapshots = new SnapshotStore({ clock: this.clock, read: () => Promise.resolve(this.#reading()) });
    this.state = this.registry.obtain(key);
    this.state.link = { ...usable, snapshots: this.snapshots, api: this.#api() };
    const { api: _api, snapshots: _snapshots, ...terms } = usable;
    this.state.terms = terms;
    this.state.snapshotDueAt = 1;
    const logger = createLogger({ level: 'error', clock: this.clock, write: () => undefined });
    this.views = new SnapshotViews({
      connections: this.connections,
      accounts: this.accounts,
      registry: this.registry,
      comparison: new ReadingComparison({
        connections: this.connections,
        clock: this.clock as never,
        logger,
        missing: () => {
          this.compared += 1;
          return this.missing();
        },
      }),
      installation: 'inst',
      clock: this.clock,
      leading: () => this.leading,
      maxAgeMs,
    });
    this.catalogues = new Catalogues({ views: this.views, clock: this.clock, intervalMs });
  }

  /** A complete reading. */
  async read(): Promise<void> {
    await this.snapshots.refresh(new AbortController().signal);
  }

  put(object: AwsConnection | AwsAccount): void {
    const cache: Cache<never> = (object.kind === 'AwsAccount' ? this.accounts : this.connections) as never;
    this.#version += 1;
    const { metadata } = object;
    cache.put({ ...object, metadata: { ...metadata, resourceVersion: String(this.#version) } } as never);
  }
  #version = 0;

  /** An AwsAccount for a user. */
  declare(name: string, more: Parameters<typeof account>[0] = {}): void {
    const declared = account({ ...more, spec: { userName: name, ...more.spec } });
    this.put({ ...declared, metadata: { ...declared.metadata, name, ...more.metadata } });
  }

  count(operation: string): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  #reading(): AccountReading {
    const { credentials } = this;
    return {
      users: this.users,
      groups: new Map(this.groups.map((each) => [fold(each.group), each])),
      credentials: { of: (arn) => credentials[arn] },
      unread: this.unread ?? new Map(),
      pages: 1,
    };
  }

  #api(): AwsApi {
    const call = async (
      operation: string,
      input: { readonly Scope?: string },
      options: { readonly priority?: Priority; readonly signal: AbortSignal },
    ): Promise<object> => {
      options.signal.throwIfAborted();
      this.calls.push({ operation, priority: options.priority });
      await this.gate;
      options.signal.throwIfAborted();
      if (this.fault !== undefined) {
        throw this.fault;
      }
      if (operation === 'ListUsers') {
        const users = this.listed ?? this.users;
        return {
          IsTruncated: false,
          Users: users.map(({ createdAt, userId, userName }) => {
            return { UserId: userId, UserName: userName, CreateDate: new Date(createdAt) };
          }),
        };
      }
      const own = input.Scope === 'Local';
      const policies = this.policies.filter(({ arn }) => arn.startsWith('arn:aws:iam::aws:') !== own);
      return {
        IsTruncated: false,
        Policies: policies.map(({ arn, id }) => ({
          PolicyId: id,
          PolicyName: arn.split('/').at(-1),
          Arn: arn,
        })),
      };
    };
    return { call, close: () => undefined, skewMs: 0 } as unknown as AwsApi;
  }
}

/** What a promise comes to: what it gives, or the sentence that it was refused with. */
export async function outcome<T>(promise: Promise<T>): Promise<T | string> {
  try {
    return await promise;
  } catch (error) {
    if ((error as Error).name !== 'DirectoryUnavailableError') {
      throw error;
    }
    return (error as Error).message;
  }
}

export function denied(operation: string): AwsError {
  return new AwsError({
    kind: 'accessDenied',
    operation,
    code: 'AccessDenied',
    message: `not authorized to perform iam:${operation}`,
  });
}

function cacheOf<T extends KubeObject>(
  type: ResourceType<T>,
  connectionOf?: (object: T) => readonly string[],
): Cache<T> {
  return new Cache<T>({
    type,
    logger: createLogger({ level: 'error', clock: { now: () => 0 }, write: () => undefined }),
    onHandlerError: () => {
      throw new Error('an index function failed');
    },
    ...(connectionOf === undefined ? {} : { indexes: { connection: connectionOf } }),
  });
}
