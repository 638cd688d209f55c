import { randomInt } from 'node:crypto';
import { isAwsError } from '../../../../src/aws/index.ts';
import { resolveSettings, type SettingsInput } from '../../../../src/connection/index.ts';
import { guardOf } from '../../../../src/guard/index.ts';
import type { WriteContext, WriteOutcome } from '../../../../src/idhub/index.ts';
import { SnapshotStore, type GroupPolicies } from '../../../../src/reconciliation/index.ts';
import { accountSchema, type AttributeChange } from '../../../../src/schema/index.ts';
import {
  awsAccountType,
  awsConnectionType,
  awsEntitlementBindingType,
  type AwsAccount,
  type AwsConnectionSpec,
  type AwsEntitlementBinding,
} from '../../../../operator/api/v1alpha1/index.ts';
import {
  AccountReconciler,
  bindingOwners,
  connectionKey,
  userKey,
} from '../../../../operator/controllers/account/index.ts';
import {
  BindingReconciler,
  ConnectionGuard,
  bindingAccounts,
  bindingConnections,
  isBound,
  userKeys,
} from '../../../../operator/controllers/binding/index.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { annotations, secretType, type Secret } from '../../../../operator/controllers/names.ts';
import {
  KubernetesWrites,
  SnapshotViews,
  Waiting,
  WriteFinisher,
} from '../../../../operator/directory/index.ts';
import {
  createLogger,
  isConflict,
  keyOf,
  keyString,
  type ObjectKey,
  type Reconciler,
} from '../../../../operator/runtime/index.ts';
import { Crash, FakeAws, type FakeUser } from '../../../src/fake-aws.ts';
import { passwordKey } from '../../controllers/account/desk.ts';
import { caller, connection } from '../../controllers/material.ts';
import { FakeClock, settle } from '../../runtime/fake-clock.ts';
import { Cluster } from './cluster.ts';

export const main: ObjectKey = { namespace: 'ns', name: 'main' };
export const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const { signal } = new AbortController();

export interface RigOptions {
  readonly settings?: SettingsInput;
  readonly attributes?: readonly AttributeChange[];
  readonly guard?: NonNullable<AwsConnectionSpec['guard']>;
  readonly defaults?: NonNullable<AwsConnectionSpec['defaults']>;
  readonly deletion?: 'Delete' | 'Disable';
}

/** Clients that write, the controllers that bring it to AWS, and the one that finishes, on a cluster and an AWS that outlive them. */
export class Rig {
  readonly clock = new FakeClock();
  readonly aws = new FakeAws();
  readonly cluster = new Cluster({ now: () => this.clock.now() });
  readonly logs: string[] = [];
  readonly groupPolicies = new Map<string, readonly string[]>();
  installation = 'inst';
  /** Does nothing while a request waits: what others do meanwhile. */
  meanwhile: () => void = () => undefined;
  writes!: KubernetesWrites;
  waiting!: Waiting;
  views!: SnapshotViews;
  snapshots!: SnapshotStore;
  readonly #options: RigOptions;
  #accounts!: Reconciler;
  #bindings!: Reconciler;
  #finisher!: Reconciler;
  #wantsReading = false;
  #ids = 0;
  #known = new Set<string>();

  constructor(options: RigOptions = {}) {
    this.#options = options;
    this.aws.now = () => this.clock.now();
    this.aws.groups.set('Dev', '/').set('Ops', '/team/').set('Admins', '/');
    this.aws.policies.add(readOnly).add('arn:aws:iam::aws:policy/job-function/Billing');
    this.groupPolicies.set('Admins', ['arn:aws:iam::aws:policy/AdministratorAccess']);
    this.cluster.apply('awsconnections', connection());
  }

  /** A new process. */
  async start(): Promise<this> {
    const { settings: given, attributes = [], guard, defaults = {}, deletion = 'Delete' } = this.#options;
    this.cluster.writesUntilCrash = Number.POSITIVE_INFINITY;
    this.aws.writesUntilCrash = Number.POSITIVE_INFINITY;
    this.#known = new Set();
    const { client } = this.cluster;
    const { clock, installation } = this;
    const registry = new ConnectionRegistry();
    this.snapshots = new SnapshotStore({
      clock,
      read: () =>
        Promise.resolve({
          users: this.aws.users.map(({ userName }) => this.aws.observe(userName)),
          groups: this.#groups(),
          pages: 1,
        }),
    });
    const { settings } = resolveSettings(given ?? {});
    Object.assign(registry.obtain(main), {
      link: {
        key: main,
        fingerprint: 'f',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
        api: this.aws,
        snapshots: this.snapshots,
        since: 0,
      },
      terms: {
        caller,
        settings,
        schema: accountSchema(attributes, settings.attributeTagPrefix).schema,
        defaults,
        guard: guardOf(guard),
        allowedNamespaces: [],
        communicationUser: 'idhub',
      },
      snapshotDueAt: Number.POSITIVE_INFINITY,
    });
    registry.onWake(() => {
      this.#wantsReading = true;
    });
    await this.snapshots.refresh(signal);
    const logger = createLogger({ level: 'trace', clock, write: (line) => this.logs.push(line) });
    const accounts = this.cluster.informer(awsAccountType, {
      user: (account) => [userKey(account)],
      connection: (account) => [keyString(connectionKey(account))],
    });
    const bindings = this.cluster.informer(awsEntitlementBindingType, {
      user: userKeys,
      connection: bindingConnections,
      account: bindingAccounts,
      owner: bindingOwners,
    });
    const connections = this.cluster.informer(awsConnectionType);
    const shared = {
      client,
      accounts,
      bindings,
      connections,
      registry,
      clock,
      logger,
      installation,
      permits: () => true,
      events: { event: () => undefined },
      countAbandoned: () => undefined,
      protectSecret: () => undefined,
      passwordKey: passwordKey('k1'),
    };
    this.#accounts = new AccountReconciler({
      ...shared,
      random: () => 0.5,
      randomInt,
      isBound: (user, arn) => isBound(bindings, user, arn),
    });
    this.#bindings = new BindingReconciler({ ...shared, guard: new ConnectionGuard() });
    this.waiting = new Waiting({ clock });
    this.#finisher = new WriteFinisher({ ...shared, waiting: this.waiting });
    this.views = new SnapshotViews({
      ...shared,
      comparison: { compare: () => Promise.resolve() },
      leading: () => true,
      maxAgeMs: Number.POSITIVE_INFINITY,
    });
    this.writes = new KubernetesWrites({
      ...shared,
      views: this.views,
      waiting: this.waiting,
      wake: () => undefined,
      makeId: () => {
        this.#ids += 1;
        return `write-${this.#ids}`;
      },
      deletion,
      waitMs: 25_000,
    });
    return this;
  }

  context(more: Partial<WriteContext> = {}): WriteContext {
    return { caller: 'idhub', signal, ...more };
  }

  /** The end of a request, with all controllers at work meanwhile. @throws {Crash} */
  async outcome(request: Promise<WriteOutcome>): Promise<WriteOutcome> {
    let ended: { readonly outcome: WriteOutcome } | { readonly error: unknown } | undefined;
    request.then(
      (outcome) => (ended = { outcome }),
      (error: unknown) => (ended = { error }),
    );
    for (let round = 0; round < 200; round += 1) {
      await settle();
      if (ended !== undefined) {
        if ('error' in ended) {
          throw ended.error;
        }
        return ended.outcome;
      }
      this.meanwhile();
      await this.#round();
    }
    throw new Error(
      `the request does not come to its end: ${JSON.stringify(this.accounts(), undefined, 1)} ${this.cluster.writes.slice(-20).join('\n')}`,
    );
  }

  /** Works until nobody asks for more within a minute. */
  async calm(): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      if (!(await this.#round())) {
        return;
      }
    }
    throw new Error(
      `the controllers do not come to rest: ${this.cluster.writes.slice(-8).join(', ')} ${this.logs.slice(-3).join(' ')}`,
    );
  }

  /** Each controller looks so often at each object. */
  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) {
      await this.#round();
    }
  }

  async create(userName: string, more: object = {}, context: Partial<WriteContext> = {}) {
    return this.outcome(this.writes.create(main, { userName, ...more }, this.context(context)));
  }

  async change(userName: string, write: object, context: Partial<WriteContext> = {}) {
    return this.outcome(this.writes.change(main, this.user(userName).userId, write, this.context(context)));
  }

  async remove(userName: string, context: Partial<WriteContext> = {}) {
    return this.outcome(this.writes.remove(main, this.user(userName).userId, this.context(context)));
  }

  user(userName: string): FakeUser {
    const user = this.aws.find(userName);
    if (user === undefined) {
      throw new Error(`there is no user ${userName}`);
    }
    return user;
  }

  /** All of a user, to be compared. */
  picture(userName: string): object {
    return Object.fromEntries(
      Object.entries(this.user(userName)).map(([key, value]) => [
        key,
        value instanceof Map
          ? Object.fromEntries(value)
          : value instanceof Set
            ? [...(value as ReadonlySet<string>)].sort()
            : value,
      ]),
    );
  }

  accounts(): readonly AwsAccount[] {
    return this.cluster.list(awsAccountType);
  }

  /** The only object of a name in IAM. */
  account(userName: string): AwsAccount {
    const [account, ...others] = this.accounts().filter(({ spec }) => spec.userName === userName);
    if (account === undefined || others.length > 0) {
      throw new Error(`there are ${others.length + (account === undefined ? 0 : 1)} objects for ${userName}`);
    }
    return account;
  }

  bindings(): readonly AwsEntitlementBinding[] {
    return this.cluster.list(awsEntitlementBindingType);
  }

  secrets(): readonly Secret[] {
    return this.cluster.list(secretType);
  }

  note(userName: string): string | undefined {
    return this.account(userName).metadata.annotations?.[annotations.undo];
  }

  /** Somebody's own declaration. */
  apply(name: string, spec: Partial<AwsAccount['spec']>, given: Record<string, string> = {}): void {
    const account: AwsAccount = {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { name, namespace: 'ns', annotations: given },
      spec: { connectionRef: { name: 'main' }, userName: name, ...spec },
    };
    this.cluster.apply('awsaccounts', account);
  }

  /** A complete reading of the account. */
  async read(): Promise<void> {
    this.#wantsReading = false;
    await this.snapshots.refresh(signal);
  }

  #groups(): ReadonlyMap<string, GroupPolicies> {
    return new Map(
      [...this.aws.groups].map(([group, path]) => [
        group.toLowerCase(),
        {
          group,
          id: `AGPA${group}`,
          arn: `arn:aws:iam::111122223333:group${path}${group}`,
          policies: this.groupPolicies.get(group) ?? [],
        },
      ]),
    );
  }

  /** Each controller looks once at each object. @returns whether there may be more to do */
  async #round(): Promise<boolean> {
    const before = this.cluster.version;
    let due = Number.POSITIVE_INFINITY;
    let failed = false;
    const look = async (reconciler: Reconciler, objects: readonly ObjectKey[]): Promise<void> => {
      for (const key of objects) {
        try {
          const { requeueAfterMs = Number.POSITIVE_INFINITY } = await reconciler.reconcile(key, signal);
          due = Math.min(due, requeueAfterMs);
        } catch (error) {
          if (!isConflict(error) && !isAwsError(error)) {
            throw error;
          }
          failed = true;
        }
      }
    };
    await look(this.#accounts, this.accounts().map(keyOf));
    await look(this.#bindings, this.bindings().map(keyOf));
    const open = this.accounts()
      .filter(({ metadata }) => metadata.annotations?.[annotations.undo] !== undefined)
      .map(keyOf);
    open.forEach((key) => this.#known.add(keyString(key)));
    await look(this.#finisher, [
      ...open,
      ...[...this.#known].map((each) => ({ namespace: 'ns', name: each.slice(3) })),
    ]);
    if (this.#wantsReading) {
      await this.read();
      due = Math.min(due, 1);
    }
    if (failed) {
      // A queue waits before it tries again.
      await this.clock.advance(1_000);
      return true;
    }
    if (this.cluster.version !== before) {
      return true;
    }
    if (due > 60_000) {
      return false;
    }
    await this.clock.advance(Math.max(due, 1));
    return true;
  }
}

/** Runs until the process dies at that write to the cluster or to AWS; undefined where it came to its end before. */
export async function died(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (error instanceof Crash) {
      return true;
    }
    throw error;
  }
}
