import { ownerTag } from '../../../../src/account/index.ts';
import { isAwsError } from '../../../../src/aws/index.ts';
import { resolveSettings } from '../../../../src/connection/index.ts';
import { guardOf } from '../../../../src/guard/index.ts';
import { SnapshotStore, type GroupPolicies } from '../../../../src/reconciliation/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import type {
  AwsAccount,
  AwsConnectionSpec,
  AwsEntitlementBinding,
} from '../../../../operator/api/v1alpha1/index.ts';
import { userKey } from '../../../../operator/controllers/account/index.ts';
import {
  BindingReconciler,
  ConnectionGuard,
  bindingAccounts,
  bindingConnections,
  companions,
  userKeys,
} from '../../../../operator/controllers/binding/index.ts';
import {
  ConnectionRegistry,
  type ConnectionState,
} from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import {
  ApiError,
  createLogger,
  isConflict,
  type Client,
  type EventNote,
  type Informer,
  type ObjectKey,
} from '../../../../operator/runtime/index.ts';
import { Crash, FakeAws, type FakeUser } from '../../../src/fake-aws.ts';
import { caller, connection } from '../material.ts';
import { StillClock } from '../still-clock.ts';

const connectionKey: ObjectKey = { namespace: 'ns', name: 'main' };
const { signal } = new AbortController();
export const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';

type Spec = AwsEntitlementBinding['spec'];

/** The binding controller at work on a cluster and an AWS account, which both outlive it. */
export class Desk {
  readonly clock = new StillClock();
  readonly aws = new FakeAws();
  readonly bindings = new Map<string, AwsEntitlementBinding>();
  readonly accounts = new Map<string, AwsAccount>();
  readonly events: (EventNote & { readonly name: string })[] = [];
  /** Writes to the cluster: `patch x`, `status x`. */
  readonly writes: string[] = [];
  clusterWritesUntilCrash = Number.POSITIVE_INFINITY;
  registry = new ConnectionRegistry();
  connected = true;
  abandoned = 0;
  readings = 0;
  partition = 'aws';
  guard: NonNullable<AwsConnectionSpec['guard']> = {};
  /** ARNs of the policies of a group, by its name. */
  readonly groupPolicies = new Map<string, readonly string[]>();
  permits: (namespace: string) => boolean = () => true;
  #version = 0;
  #reconciler!: BindingReconciler;
  #snapshots!: SnapshotStore;
  #wantsReading = false;

  constructor() {
    this.aws.groups.set('Dev', '/').set('Ops', '/team/');
    this.aws.policies.add(readOnly).add('arn:aws:iam::aws:policy/job-function/Billing');
  }

  /** A new process: it knows nothing, and reads the account before anything else. */
  async start(): Promise<this> {
    this.aws.writesUntilCrash = Number.POSITIVE_INFINITY;
    this.clusterWritesUntilCrash = Number.POSITIVE_INFINITY;
    this.registry = new ConnectionRegistry();
    this.#snapshots = new SnapshotStore({
      clock: this.clock,
      read: () => {
        this.readings += 1;
        const users = this.aws.users.map(({ userName }) => this.aws.observe(userName));
        return Promise.resolve({ users, groups: this.#groups(), pages: 1 });
      },
    });
    const { settings } = resolveSettings({});
    Object.assign(this.registry.obtain(connectionKey), {
      link: {
        key: connectionKey,
        fingerprint: 'f',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
        api: this.aws,
        snapshots: this.#snapshots,
        since: 0,
      },
      terms: {
        caller: { ...caller, partition: this.partition },
        settings,
        schema: accountSchema([], '').schema,
        defaults: {},
        guard: guardOf(this.guard),
        allowedNamespaces: [],
        communicationUser: 'idhub',
      },
      snapshotDueAt: Number.POSITIVE_INFINITY,
    });
    this.registry.onWake(() => {
      this.#wantsReading = true;
    });
    this.#reconciler = new BindingReconciler({
      client: this.#client,
      bindings: this.#informer,
      accounts: {
        get: ({ name }: ObjectKey) => this.accounts.get(name),
        byIndex: (_index: string, value: string) =>
          [...this.accounts.values()].filter((account) => userKey(account) === value),
      } as unknown as Informer<AwsAccount>,
      connections: { get: () => (this.connected ? connection() : undefined) } as never,
      registry: this.registry,
      guard: new ConnectionGuard(),
      permits: (_connection, namespace) => this.permits(namespace),
      events: { event: (object, note) => this.events.push({ ...note, name: object.metadata.name }) },
      logger: createLogger({ level: 'error', clock: this.clock, write: () => undefined }),
      clock: this.clock,
      installation: 'inst',
      countAbandoned: () => {
        this.abandoned += 1;
      },
    });
    await this.read();
    return this;
  }

  #groups(): ReadonlyMap<string, GroupPolicies> {
    return new Map(
      [...this.aws.groups].map(([group, path]) => [
        group.toLowerCase(),
        {
          group,
          id: `AGPA${group}`,
          arn: `arn:${this.partition}:iam::111122223333:group${path}${group}`,
          policies: this.groupPolicies.get(group) ?? [],
        },
      ]),
    );
  }

  /** A complete reading of the account. */
  async read(): Promise<void> {
    this.#wantsReading = false;
    await this.#snapshots.refresh(signal);
    this.registry.obtain(connectionKey).snapshotDueAt = Number.POSITIVE_INFINITY;
  }

  /** The account's own deletion of a user. */
  forget(userId: string): void {
    this.#snapshots.forget(userId);
  }

  /** An account did not find a user under its name any more. */
  lose(userId: string): void {
    this.#snapshots.lose(userId);
  }

  /** Another connection, to another AWS account. */
  elsewhere(name: string, accountId: string): ConnectionState {
    const { link, terms } = this.registry.obtain(connectionKey);
    const key = { ...connectionKey, name };
    return Object.assign(this.registry.obtain(key), {
      link: { ...link, key },
      terms: { ...terms, caller: { ...caller, accountId } },
      snapshotDueAt: Number.POSITIVE_INFINITY,
    });
  }

  /** A write of ours to the user itself, a moment ago. */
  touch(name = 'jo'): void {
    this.#snapshots.record(this.aws.observe(name));
  }

  /** Whether the operator knows of a user. */
  known(userId: string): boolean {
    return this.#snapshots.current?.byId(userId) !== undefined;
  }

  /** A user that an AwsAccount of the same name made, this long ago. */
  made(name: string, agoMs = 0): FakeUser {
    const at = this.clock.ms - agoMs;
    const user = this.aws.add(name, { createdAt: at, tags: new Map([[ownerTag, `inst/ns/${name}`]]) });
    this.account(name, {}, at);
    return user;
  }

  account(name: string, spec: Partial<AwsAccount['spec']> = {}, since?: number): void {
    const applied =
      since === undefined
        ? {}
        : {
            [annotations.applied]: JSON.stringify({
              account: caller.accountId,
              userName: name,
              tags: [],
              boundary: null,
              written: {},
              since,
            }),
          };
    this.accounts.set(name, {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { name, namespace: 'ns', uid: `account-${name}`, annotations: applied },
      spec: { connectionRef: { name: 'main' }, userName: name, ...spec },
    });
  }

  apply(name: string, spec: Partial<Spec>, metadata: Partial<AwsEntitlementBinding['metadata']> = {}): void {
    const before = this.bindings.get(name);
    this.#version += 1;
    const who = spec.connectionRef === undefined ? { accountRef: { name: 'jo' } } : {};
    this.bindings.set(name, {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: {
        name,
        namespace: 'ns',
        uid: before?.metadata.uid ?? `uid-${this.#version}`,
        creationTimestamp: before?.metadata.creationTimestamp ?? this.time(0),
        finalizers: before?.metadata.finalizers ?? [],
        ...metadata,
        generation: (before?.metadata.generation ?? 0) + 1,
        resourceVersion: String(this.#version),
        annotations: { ...before?.metadata.annotations, ...metadata.annotations },
      },
      spec: { ...who, entitlement: { type: 'Group', name: 'Dev' }, ...spec },
      ...(before?.status === undefined ? {} : { status: before.status }),
    });
  }

  annotate(name: string, given: Record<string, string>): void {
    const object = this.object(name);
    const metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...given } };
    this.#put({ ...object, metadata });
  }

  delete(name: string): void {
    const object = this.object(name);
    this.#put({ ...object, metadata: { ...object.metadata, deletionTimestamp: this.time(0) } });
  }

  /** What a backup brings back: everything but status and finalizers, in another cluster. */
  restore(name: string): void {
    const { status: _lost, ...object } = this.object(name);
    const uid = `restored-${name}`;
    this.#put({ ...object, metadata: { ...object.metadata, uid, finalizers: [] } });
  }

  /** RFC 3339, this long from now. */
  time(inMs: number): string {
    return `${new Date(this.clock.ms + inMs).toISOString().slice(0, 19)}Z`;
  }

  object(name: string): AwsEntitlementBinding {
    const object = this.bindings.get(name);
    if (object === undefined) {
      throw new Error(`there is no binding ${name}`);
    }
    return object;
  }

  memory(name: string): { readonly origin?: string; readonly revoked?: string | null } {
    return JSON.parse(this.object(name).metadata.annotations?.[annotations.edge] ?? '{}') as never;
  }

  user(name = 'jo'): FakeUser {
    const user = this.aws.find(name);
    if (user === undefined) {
      throw new Error(`there is no user ${name}`);
    }
    return user;
  }

  reconcile(name: string) {
    return this.#reconciler.reconcile({ namespace: 'ns', name }, signal);
  }

  /**
   * Works on these bindings, and on those that a change of them wakes, as a queue would, until nothing is
   * asked for within ten minutes. Time passes as it is asked for.
   * @returns ms until the next look that was asked for beyond that
   */
  async run(...names: readonly string[]): Promise<number | undefined> {
    let later: number | undefined;
    for (const name of names) {
      for (let round = 0; ; round += 1) {
        if (round > 60) {
          throw new Error(`${name} does not come to rest`);
        }
        let next: number | undefined;
        try {
          next = (await this.reconcile(name)).requeueAfterMs;
        } catch (error) {
          if (!isConflict(error) && !isAwsError(error)) {
            throw error;
          }
          next = 1_000;
        }
        if (this.#wantsReading) {
          await this.read();
          next ??= 1;
        }
        if (next === undefined || next > 600_000) {
          later = next;
          break;
        }
        this.clock.ms += next;
      }
    }
    return later;
  }

  /** Deletes a binding and lets those look that are woken by it. */
  async remove(name: string): Promise<void> {
    const others = companions(this.object(name), this.#informer).filter((key) => key.name !== name);
    this.delete(name);
    await this.run(name, ...others.map((key) => key.name));
  }

  ready(name: string): string {
    const condition = this.object(name).status?.conditions?.find(({ type }) => type === 'Ready');
    return condition === undefined ? '(none)' : `${condition.status} ${condition.reason}`;
  }

  message(name: string): string {
    return this.object(name).status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
  }

  warnings(): readonly string[] {
    return this.events.filter(({ type }) => type === 'Warning').map(({ reason }) => reason);
  }

  reasons(): readonly string[] {
    return this.events.map(({ reason }) => reason);
  }

  /** Runs until the process dies at that write; false where it came to its end before. */
  async dies(write: number, where: 'aws' | 'cluster', act: () => Promise<unknown>): Promise<boolean> {
    this.aws.crashAs = 'crash';
    if (where === 'aws') {
      this.aws.writesUntilCrash = write;
    } else {
      this.clusterWritesUntilCrash = write;
    }
    try {
      await act();
      return false;
    } catch (error) {
      if (error instanceof Crash) {
        return true;
      }
      throw error;
    }
  }

  #put(object: AwsEntitlementBinding): AwsEntitlementBinding {
    this.#version += 1;
    const { metadata } = object;
    const put = { ...object, metadata: { ...metadata, resourceVersion: String(this.#version) } };
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      this.bindings.delete(metadata.name);
    } else {
      this.bindings.set(metadata.name, put);
    }
    return put;
  }

  #written(what: string): void {
    this.writes.push(what);
    this.clusterWritesUntilCrash -= 1;
    if (this.clusterWritesUntilCrash === 0) {
      throw new Crash();
    }
  }

  get #client(): Client {
    const known = {
      mergePatch: async (
        _type: unknown,
        { name }: ObjectKey,
        patch: { metadata: AwsEntitlementBinding['metadata'] },
      ) => {
        const object = this.object(name);
        const { resourceVersion, uid, annotations: noted, finalizers } = patch.metadata;
        if (resourceVersion !== object.metadata.resourceVersion || uid !== object.metadata.uid) {
          throw new ApiError({ code: 409, reason: 'Conflict', message: `${name} has changed` });
        }
        const written = this.#put({
          ...object,
          metadata: {
            ...object.metadata,
            ...(finalizers === undefined ? {} : { finalizers }),
            annotations: { ...object.metadata.annotations, ...noted },
          },
        });
        this.#written(`patch ${name}`);
        return written;
      },
      applyStatus: async (
        _type: unknown,
        object: { metadata: { name: string }; status: AwsEntitlementBinding['status'] },
      ) => {
        const { name } = object.metadata;
        const written = this.#put({ ...this.object(name), status: object.status ?? {} });
        this.#written(`status ${name}`);
        return written;
      },
    };
    return known as unknown as Client;
  }

  get #informer(): Informer<AwsEntitlementBinding> {
    const indexes: Readonly<Record<string, (object: AwsEntitlementBinding) => readonly string[]>> = {
      user: userKeys,
      connection: bindingConnections,
      account: bindingAccounts,
    };
    const known: Partial<Informer<AwsEntitlementBinding>> = {
      get: ({ name }) => this.bindings.get(name),
      list: () => [...this.bindings.values()],
      byIndex: (index, value) =>
        [...this.bindings.values()].filter((object) => indexes[index]?.(object).includes(value)),
      set: () => undefined,
    };
    return known as Informer<AwsEntitlementBinding>;
  }
}
