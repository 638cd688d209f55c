import type { Partition, Quotas } from '../types.ts';
import { managedPolicies } from './catalogue.ts';
import type {
  Group,
  ManagedPolicy,
  PasswordPolicy,
  Role,
  Session,
  User,
  VirtualMfaDevice,
} from './entities.ts';
import type { Random } from './random.ts';
import { Table, type TableOptions, type TableView } from './table.ts';

/** Defaults of the IAM and STS quotas page. */
const QUOTAS: Quotas = {
  users: 5_000,
  groups: 300,
  groupsPerUser: 10,
  policies: 1_500,
  attachedPoliciesPerUser: 10,
  attachedPoliciesPerGroup: 10,
};

export interface AccountOptions extends TableOptions {
  readonly id: string;
  readonly partition: Partition;
  readonly random: Random;
  readonly alias?: string | undefined;
  readonly quotas?: Partial<Quotas> | undefined;
}

/** Tables of one kind of entity: the key is the name in lower case, as IAM compares names. */
export interface Views {
  readonly users: TableView<User>;
  readonly groups: TableView<Group>;
  readonly roles: TableView<Role>;
  readonly policies: TableView<ManagedPolicy>;
  readonly mfaDevices: TableView<VirtualMfaDevice>;
}

export const keyOf = (name: string): string => name.toLowerCase();

/** One AWS account: the state behind every service. */
export class Account {
  readonly id: string;
  readonly partition: Partition;
  readonly random: Random;
  readonly quotas: Quotas;
  readonly users: Table<User>;
  readonly groups: Table<Group>;
  readonly roles: Table<Role>;
  readonly policies: Table<ManagedPolicy>;
  readonly mfaDevices: Table<VirtualMfaDevice>;
  readonly sessions = new Map<string, Session>();
  /** AWS-managed policies of the partition, by ARN. */
  readonly catalogue: ReadonlyMap<string, ManagedPolicy>;
  alias: string | undefined;
  passwordPolicy: PasswordPolicy | undefined;
  credentialReport: { readonly startedAt: number; readonly content: string } | undefined;
  /** Unique id → key of the table; both follow renames. */
  readonly #userKeys = new Map<string, string>();
  readonly #groupKeys = new Map<string, string>();
  readonly #attachments = new Map<string, number>();
  readonly #boundaries = new Map<string, number>();

  constructor(options: AccountOptions) {
    this.id = options.id;
    this.partition = options.partition;
    this.random = options.random;
    this.quotas = { ...QUOTAS, ...options.quotas };
    this.alias = options.alias;
    this.users = new Table(options);
    this.groups = new Table(options);
    this.roles = new Table(options);
    this.policies = new Table(options);
    this.mfaDevices = new Table(options);
    this.catalogue = managedPolicies(options.partition);
  }

  /** What reads see. */
  stale(): Views {
    return {
      users: this.users.stale(),
      groups: this.groups.stale(),
      roles: this.roles.stale(),
      policies: this.policies.stale(),
      mfaDevices: this.mfaDevices.stale(),
    };
  }

  arn(resource: string): string {
    return `arn:${this.partition}:iam::${this.id}:${resource}`;
  }

  userArn(user: User): string {
    return this.arn(`user${user.path}${user.name}`);
  }

  groupArn(group: Group): string {
    return this.arn(`group${group.path}${group.name}`);
  }

  roleArn(role: Role): string {
    return this.arn(`role${role.path}${role.name}`);
  }

  /** Puts a new or changed user; `before` is the value that it replaces, under its old name if renamed. */
  saveUser(user: User, before?: User): void {
    if (before !== undefined && keyOf(before.name) !== keyOf(user.name)) {
      this.users.delete(keyOf(before.name));
    }
    this.#count(before, user);
    this.users.set(keyOf(user.name), user);
    this.#userKeys.set(user.id, keyOf(user.name));
  }

  /** A user from before the start: no reader has to wait for it. */
  putQuietly(user: User): void {
    this.#count(undefined, user);
    this.users.setQuietly(keyOf(user.name), user);
    this.#userKeys.set(user.id, keyOf(user.name));
  }

  deleteUser(user: User): void {
    this.#count(user, undefined);
    this.users.delete(keyOf(user.name));
    this.#userKeys.delete(user.id);
  }

  saveGroup(group: Group, before?: Group): void {
    if (before !== undefined && keyOf(before.name) !== keyOf(group.name)) {
      this.groups.delete(keyOf(before.name));
    }
    this.#count(before, group);
    this.groups.set(keyOf(group.name), group);
    this.#groupKeys.set(group.id, keyOf(group.name));
  }

  deleteGroup(group: Group): void {
    this.#count(group, undefined);
    this.groups.delete(keyOf(group.name));
    this.#groupKeys.delete(group.id);
  }

  saveRole(role: Role, before?: Role): void {
    this.#count(before, role);
    this.roles.set(keyOf(role.name), role);
  }

  deleteRole(role: Role): void {
    this.#count(role, undefined);
    this.roles.delete(keyOf(role.name));
  }

  userById(id: string, users: TableView<User> = this.users): User | undefined {
    const key = this.#userKeys.get(id);
    return key === undefined ? undefined : users.get(key);
  }

  groupById(id: string, groups: TableView<Group> = this.groups): Group | undefined {
    const key = this.#groupKeys.get(id);
    return key === undefined ? undefined : groups.get(key);
  }

  /** A customer-managed policy of this account or an AWS-managed one of its partition. */
  policy(arn: string, policies: TableView<ManagedPolicy> = this.policies): ManagedPolicy | undefined {
    const aws = this.catalogue.get(arn);
    if (aws !== undefined) {
      return aws;
    }
    const found = policies.get(keyOf(arn.slice(arn.lastIndexOf('/') + 1)));
    return found?.arn === arn ? found : undefined;
  }

  attachmentCount(arn: string): number {
    return this.#attachments.get(arn) ?? 0;
  }

  boundaryCount(arn: string): number {
    return this.#boundaries.get(arn) ?? 0;
  }

  /** ARNs of AWS-managed policies that something is attached to. */
  attachedCataloguePolicies(): readonly string[] {
    return [...this.#attachments].flatMap(([arn, count]) =>
      count > 0 && this.catalogue.has(arn) ? [arn] : [],
    );
  }

  #count(before: Counted | undefined, after: Counted | undefined): void {
    if (before?.attached !== after?.attached) {
      for (const arn of before?.attached ?? []) {
        add(this.#attachments, arn, -1);
      }
      for (const arn of after?.attached ?? []) {
        add(this.#attachments, arn, 1);
      }
    }
    if (before?.boundary !== undefined) {
      add(this.#boundaries, before.boundary, -1);
    }
    if (after?.boundary !== undefined) {
      add(this.#boundaries, after.boundary, 1);
    }
  }
}

interface Counted {
  readonly attached: readonly string[];
  readonly boundary?: string;
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
