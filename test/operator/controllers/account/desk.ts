import { createHash, randomInt } from 'node:crypto';
import type { SettingsInput } from '../../../../src/connection/index.ts';
import { resolveSettings } from '../../../../src/connection/index.ts';
import { isAwsError } from '../../../../src/aws/index.ts';
import { guardOf } from '../../../../src/guard/index.ts';
import { SnapshotStore, type AccountReading } from '../../../../src/reconciliation/index.ts';
import { accountSchema, type AttributeChange } from '../../../../src/schema/index.ts';
import type {
  AwsAccount,
  AwsConnection,
  AwsConnectionSpec,
} from '../../../../operator/api/v1alpha1/index.ts';
import { AccountReconciler, connectionKey, userKey } from '../../../../operator/controllers/account/index.ts';
import type { PasswordKey } from '../../../../operator/controllers/account/password-tools.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import {
  ApiError,
  createLogger,
  isConflict,
  keyString,
  type Client,
  type Clock,
  type EventNote,
  type Informer,
  type ObjectKey,
} from '../../../../operator/runtime/index.ts';
import { Crash, FakeAws } from '../../../src/fake-aws.ts';
import { caller, connection } from '../material.ts';
import { FakeBindings } from './fake-bindings.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { StillClock } from '../still-clock.ts';

const connectionOf: ObjectKey = { namespace: 'ns', name: 'main' };
const { signal } = new AbortController();

/** The accounts of a cluster, with what an API server makes of writes to them. */
export class FakeCluster {
  readonly accounts = new Map<string, AwsAccount>();
  connection: AwsConnection = connection();
  /** `patch` and `status`, with the name of the object. */
  readonly writes: string[] = [];
  /** The process ends after this many writes. */
  writesUntilCrash = Number.POSITIVE_INFINITY;
  /** Whether the last write is done and only its answer lost, instead of the process with it. */
  crashAs: 'crash' | 'lost' = 'crash';
  /** The process is gone: nothing else of it goes on. */
  onCrash: () => void = () => undefined;
  /** What the cache still shows of an object that has changed. */
  stale: AwsAccount | undefined;
  readonly vault = new FakeSecrets((what) => this.#written(`secret ${what}`));
  readonly owned = new FakeBindings((what) => this.#written(`binding ${what}`));
  readonly clock: Clock;
  #version = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  apply(name: string, spec: Partial<AwsAccount['spec']>, annotations?: Record<string, string>): void {
    const before = this.accounts.get(name);
    const at = new Date(this.clock.now()).toISOString();
    this.#version += 1;
    this.accounts.set(name, {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: {
        name,
        namespace: 'ns',
        uid: before?.metadata.uid ?? `uid-${this.#version}`,
        creationTimestamp: before?.metadata.creationTimestamp ?? at,
        generation: (before?.metadata.generation ?? 0) + 1,
        resourceVersion: String(this.#version),
        finalizers: before?.metadata.finalizers ?? [],
        annotations: { ...before?.metadata.annotations, ...annotations },
      },
      spec: { connectionRef: { name: 'main' }, userName: name, ...spec },
      ...(before?.status === undefined ? {} : { status: before.status }),
    });
  }

  delete(name: string): void {
    const object = this.object(name);
    const deletionTimestamp = `${new Date(this.clock.now()).toISOString().slice(0, 19)}Z`;
    this.#put({ ...object, metadata: { ...object.metadata, deletionTimestamp } });
  }

  annotate(name: string, given: Record<string, string>): void {
    const object = this.object(name);
    const metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...given } };
    this.#put({ ...object, metadata });
  }

  /** What a backup brings back: everything but the status, in another cluster. */
  restore(name: string): void {
    const { status: _lost, ...object } = this.object(name);
    this.#put({ ...object, metadata: { ...object.metadata, uid: `restored-${name}` } });
  }

  /** A status from before: what came after it was not written. */
  report(name: string, status: AwsAccount['status']): void {
    const { status: _newer, ...object } = this.object(name);
    this.#put(status === undefined ? object : { ...object, status });
  }

  object(name: string): AwsAccount {
    const object = this.accounts.get(name);
    if (object === undefined) {
      throw new Error(`there is no account ${name}`);
    }
    return object;
  }

  #put(object: AwsAccount): AwsAccount {
    this.#version += 1;
    const { metadata } = object;
    const put = { ...object, metadata: { ...metadata, resourceVersion: String(this.#version) } };
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      this.accounts.delete(metadata.name);
    } else {
      this.accounts.set(metadata.name, put);
    }
    return put;
  }

  #written(what: string): void {
    this.writes.push(what);
    this.writesUntilCrash -= 1;
    if (this.writesUntilCrash === 0 && this.crashAs === 'lost') {
      throw new ApiError({ code: 504, reason: 'Timeout', message: 'the answer is lost' });
    }
    if (this.writesUntilCrash <= 0 && this.crashAs === 'crash') {
      this.onCrash();
      throw new Crash();
    }
  }

  #found(name: string): AwsAccount {
    const object = this.accounts.get(name);
    if (object === undefined) {
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${name} not found` });
    }
    return object;
  }

  #patchConnection({ annotations }: AwsConnection['metadata']): AwsConnection {
    const { metadata } = this.connection;
    this.connection = {
      ...this.connection,
      metadata: { ...metadata, annotations: merged(metadata.annotations, annotations) },
    };
    this.#written('patch connection');
    return this.connection;
  }

  get client(): Client {
    const known = {
      get: this.vault.get,
      create: this.vault.create,
      delete: this.vault.delete,
      mergePatch: async (
        type: { readonly kind: string },
        key: ObjectKey,
        patch: { metadata: AwsAccount['metadata'] },
      ) => {
        if (type.kind === 'AwsConnection') {
          return this.#patchConnection(patch.metadata);
        }
        if (type.kind === 'Secret') {
          return this.vault.mergePatch(key, patch);
        }
        const { name } = key;
        const object = this.#found(name);
        const { uid, resourceVersion, annotations, finalizers } = patch.metadata;
        const stale = resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion;
        if (stale || (uid !== undefined && uid !== object.metadata.uid)) {
          throw new ApiError({ code: 409, reason: 'Conflict', message: `${name} has changed` });
        }
        const added = finalizers?.some((one) => object.metadata.finalizers?.includes(one) !== true);
        if (added === true && object.metadata.deletionTimestamp !== undefined) {
          throw new ApiError({ code: 422, reason: 'Invalid', message: 'no finalizer while it is deleted' });
        }
        const written = this.#put({
          ...object,
          metadata: {
            ...object.metadata,
            ...(finalizers === undefined ? {} : { finalizers }),
            annotations: merged(object.metadata.annotations, annotations),
          },
        });
        this.#written(`patch ${name}`);
        return written;
      },
      applyStatus: async (
        _type: unknown,
        object: { metadata: { name: string }; status?: AwsAccount['status'] },
      ) => {
        const { name } = object.metadata;
        const { status: _before, ...rest } = this.#found(name);
        const written = this.#put(object.status === undefined ? rest : { ...rest, status: object.status });
        this.#written(`status ${name}`);
        return written;
      },
    };
    return ofBindings(this.owned.client as Client, known as unknown as Client);
  }

  get informer(): Informer<AwsAccount> {
    const indexes: Readonly<Record<string, (object: AwsAccount) => string>> = {
      user: userKey,
      connection: (object) => keyString(connectionKey(object)),
    };
    const known: Partial<Informer<AwsAccount>> = {
      get: ({ name }) => this.stale ?? this.accounts.get(name),
      list: () => [...this.accounts.values()],
      byIndex: (index, value) =>
        [...this.accounts.values()].filter((object) => indexes[index]?.(object) === value),
      set: () => undefined,
    };
    return known as Informer<AwsAccount>;
  }
}

/** Calls about bindings go to those who keep them. */
function ofBindings(bindings: Client, others: Client): Client {
  const methods = ['get', 'create', 'mergePatch', 'delete'] as const;
  const routed = methods.map((method) => [
    method,
    (type: { readonly kind: string }, ...rest: readonly unknown[]): unknown =>
      (
        (type.kind === 'AwsEntitlementBinding' ? bindings : others)[method] as (
          ...all: readonly unknown[]
        ) => unknown
      )(type, ...rest),
  ]);
  return { ...others, ...(Object.fromEntries(routed) as Partial<Client>) };
}

function merged(before: object = {}, after: object = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...before, ...after }).filter(([, value]) => value !== null),
  ) as Record<string, string>;
}

/** A made-up key: what it makes of passwords is not to be seen in them. */
export function passwordKey(id: string): PasswordKey {
  const hash = (userId: string, password: string): string =>
    `${id}:${createHash('sha256').update(`${id} ${userId} ${password}`).digest('hex')}`;
  return { obtain: () => Promise.resolve({ hash }) };
}

export interface DeskOptions {
  readonly settings?: SettingsInput;
  readonly attributes?: readonly AttributeChange[];
  readonly defaults?: NonNullable<AwsConnectionSpec['defaults']>;
  readonly guard?: NonNullable<AwsConnectionSpec['guard']>;
}

/** The account controller at work on a cluster and an AWS account, which both outlive it. */
export class Desk {
  readonly clock = new StillClock();
  readonly aws = new FakeAws();
  readonly cluster = new FakeCluster(this.clock);
  readonly events: (EventNote & { readonly name: string })[] = [];
  readonly suspected: string[] = [];
  /** What is kept out of the logs. */
  readonly protectedValues = new Set<string>();
  readonly logs: string[] = [];
  registry = new ConnectionRegistry();
  installation = 'inst';
  readings = 0;
  /** Users that AWS does not show yet, in readings and by name. */
  hides: () => boolean = () => false;
  abandoned = 0;
  /** The credential report that readings bring. */
  report: AccountReading['credentials'];
  /** A binding wants the policies that are attached. */
  bound = false;
  /** What passwords are known by; outlives processes, as the Secret that it is in. */
  passwordKey: PasswordKey = passwordKey('k1');
  permits: (namespace: string) => boolean = () => true;
  readonly #options: DeskOptions;
  #reconciler!: AccountReconciler;
  #snapshots!: SnapshotStore;
  #wantsReading = false;

  constructor(options: DeskOptions = {}) {
    this.#options = options;
  }

  /** A new process: it knows nothing, and reads the account before anything else. */
  async start(): Promise<this> {
    this.aws.now = () => this.clock.ms + this.aws.skewMs;
    this.cluster.onCrash = () => {
      this.aws.crashAs = 'crash';
      this.aws.writesUntilCrash = 0;
    };
    this.aws.writesUntilCrash = Number.POSITIVE_INFINITY;
    this.cluster.writesUntilCrash = Number.POSITIVE_INFINITY;
    this.registry = new ConnectionRegistry();
    this.#snapshots = new SnapshotStore({
      clock: this.clock,
      read: async () => {
        this.readings += 1;
        const users = this.hides() ? [] : this.aws.users.map(({ userName }) => this.aws.observe(userName));
        return { users, groups: new Map(), credentials: this.report, pages: 1 };
      },
    });
    const { settings } = resolveSettings(this.#options.settings ?? {});
    Object.assign(this.registry.obtain(connectionOf), {
      link: {
        key: connectionOf,
        fingerprint: 'f',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
        api: this.aws,
        snapshots: this.#snapshots,
        since: 0,
      },
      terms: {
        caller,
        settings,
        schema: accountSchema(this.#options.attributes ?? [], settings.attributeTagPrefix).schema,
        defaults: {
          ...this.#options.defaults,
          ...(this.#options.guard?.permissionsBoundary === undefined
            ? {}
            : { permissionsBoundary: this.#options.guard.permissionsBoundary }),
        },
        guard: guardOf(this.#options.guard),
        allowedNamespaces: [],
        communicationUser: 'idhub',
      },
      snapshotDueAt: Number.POSITIVE_INFINITY,
    });
    this.registry.onWake(() => {
      this.#wantsReading = true;
    });
    this.#reconciler = new AccountReconciler({
      client: this.cluster.client,
      accounts: this.cluster.informer,
      bindings: this.cluster.owned.informer,
      connections: {
        get: () => this.cluster.connection,
        set: () => undefined,
      } as unknown as Informer<AwsConnection>,
      registry: this.registry,
      events: { event: (object, note) => this.events.push({ ...note, name: object.metadata.name }) },
      logger: createLogger({ level: 'trace', clock: this.clock, write: (line) => this.logs.push(line) }),
      clock: this.clock,
      random: () => 0.5,
      installation: this.installation,
      permits: (_connection, namespace) => this.permits(namespace),
      protectSecret: (value) => this.protectedValues.add(value),
      randomInt,
      passwordKey: this.passwordKey,
      isBound: () => this.bound,
      countAbandoned: () => {
        this.abandoned += 1;
      },
    });
    await this.read();
    return this;
  }

  /** A complete reading of the account. */
  async read(): Promise<void> {
    this.#wantsReading = false;
    const state = this.registry.obtain(connectionOf);
    await this.#snapshots.refresh(signal);
    state.snapshotDueAt = Number.POSITIVE_INFINITY;
  }

  /** One pass over an account. */
  reconcile(name: string) {
    return this.#reconciler.reconcile({ namespace: 'ns', name }, signal);
  }

  /**
   * Works on an account as a queue would, faults and conflicts included, until it asks for nothing
   * more within ten minutes. Time passes as it is asked for.
   */
  async run(name: string): Promise<void> {
    for (let round = 0; round < 60; round += 1) {
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
        return;
      }
      this.clock.ms += next;
    }
    throw new Error(`${name} does not come to rest`);
  }

  /** The reason of Ready, with its status. */
  ready(name: string): string {
    const condition = this.cluster.object(name).status?.conditions?.find(({ type }) => type === 'Ready');
    return condition === undefined ? '(none)' : `${condition.status} ${condition.reason}`;
  }

  message(name: string): string {
    return this.cluster.object(name).status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
  }

  reasons(): readonly string[] {
    return this.events.map(({ reason }) => reason);
  }

  /** Runs until the process dies at that write; false where it came to its end before. */
  async dies(write: number, where: 'aws' | 'cluster', act: () => Promise<void>): Promise<boolean> {
    this.aws.crashAs = 'crash';
    (where === 'aws' ? this.aws : this.cluster).writesUntilCrash = write;
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
}
