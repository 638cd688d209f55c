import { HOME_REGION } from './cloudtrail/index.ts';
import { passwordFits } from './iam/index.ts';
import { keyOf, type Account, type PolicyHolder, type User } from './state/index.ts';
import type { Simulation } from './simulation.ts';
import type {
  AccountDump,
  CallCounts,
  Control,
  FaultSpec,
  FaultState,
  Settings,
  UserDump,
  WriteRecord,
} from './types.ts';

const iso = (at: number): string => new Date(at).toISOString();

const inlineOf = (holder: PolicyHolder): Record<string, string> =>
  Object.fromEntries(holder.inline.map(({ name, document }) => [name, document]));

const tagsOf = (tags: User['tags']): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

function dumpUser(account: Account, user: User): UserDump {
  return {
    userName: user.name,
    userId: user.id,
    arn: account.userArn(user),
    path: user.path,
    createDate: iso(user.createdAt),
    ...(user.passwordLastUsed === undefined ? {} : { passwordLastUsed: iso(user.passwordLastUsed) }),
    tags: tagsOf(user.tags),
    ...(user.boundary === undefined ? {} : { permissionsBoundary: user.boundary }),
    hasLoginProfile: user.login !== undefined,
    ...(user.login === undefined
      ? {}
      : { passwordResetRequired: user.login.resetRequired, passwordChangedAt: iso(user.login.changedAt) }),
    accessKeys: user.accessKeys.map((key) =>
      Object.assign(
        { accessKeyId: key.id, status: key.status, createDate: iso(key.createdAt) },
        key.lastUsed === undefined ? {} : { lastUsed: iso(key.lastUsed.at) },
      ),
    ),
    mfaDevices: user.mfa.map(({ serialNumber, enabledAt }) => ({
      serialNumber,
      virtual: serialNumber.startsWith('arn:'),
      enableDate: iso(enabledAt),
    })),
    sshPublicKeys: user.sshKeys.map(({ id, status }) => ({ id, status })),
    signingCertificates: user.certificates.map(({ id, status }) => ({ id, status })),
    serviceSpecificCredentials: user.serviceCredentials.map(({ id, serviceName, status }) => ({
      id,
      serviceName,
      status,
    })),
    groups: user.groups.flatMap((id) => account.groupById(id)?.name ?? []).sort(),
    inlinePolicies: inlineOf(user),
    attachedPolicies: [...user.attached],
  };
}

function dumpAccount(account: Account, events: number): AccountDump {
  const users = [...account.users.values()];
  return {
    id: account.id,
    partition: account.partition,
    ...(account.alias === undefined ? {} : { alias: account.alias }),
    ...(account.passwordPolicy === undefined ? {} : { passwordPolicy: { ...account.passwordPolicy } }),
    users: users.map((user) => dumpUser(account, user)),
    groups: [...account.groups.values()].map((group) => ({
      groupName: group.name,
      groupId: group.id,
      arn: account.groupArn(group),
      path: group.path,
      members: users.filter((user) => user.groups.includes(group.id)).map(({ name }) => name),
      inlinePolicies: inlineOf(group),
      attachedPolicies: [...group.attached],
    })),
    policies: [...account.policies.values()].map((policy) => ({
      policyName: policy.name,
      policyId: policy.id,
      arn: policy.arn,
      tags: tagsOf(policy.tags),
      defaultVersionId: policy.defaultVersion,
      versions: Object.fromEntries(policy.versions.map(({ id, document }) => [id, document])),
    })),
    roles: [...account.roles.values()].map((role) => ({
      roleName: role.name,
      roleId: role.id,
      arn: account.roleArn(role),
    })),
    virtualMfaDevices: [...account.mfaDevices.values()].map((device) => {
      const owner = device.assigned === undefined ? undefined : account.userById(device.assigned.userId);
      return Object.assign(
        { serialNumber: device.serialNumber },
        owner === undefined ? {} : { userName: owner.name },
      );
    }),
    cloudTrailEvents: events,
  };
}

/** A name that the simulator does not know: the HTTP surface answers 404. */
export class UnknownAccount extends Error {}

/** The control surface inside the process. Everything it gives is a copy. */
export class LocalControl implements Control {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  async calls(): Promise<CallCounts> {
    return this.#simulation.recorder.counts();
  }

  async resetCalls(): Promise<void> {
    this.#simulation.recorder.reset();
  }

  async reset(): Promise<void> {
    this.#simulation.reset();
  }

  async writes(): Promise<readonly WriteRecord[]> {
    return this.#simulation.recorder.writes();
  }

  async fault(...specs: readonly FaultSpec[]): Promise<readonly FaultState[]> {
    this.#simulation.faults.add(specs);
    return this.#simulation.faults.list();
  }

  async faults(): Promise<readonly FaultState[]> {
    return this.#simulation.faults.list();
  }

  async clearFaults(): Promise<void> {
    this.#simulation.faults.clear();
  }

  async advanceClock(ms: number): Promise<number> {
    return this.#simulation.advanceClock(ms);
  }

  async skewClock(ms: number): Promise<void> {
    this.#simulation.skewClock(ms);
  }

  async configure(settings: Settings): Promise<void> {
    const { cloudTrail, ...rest } = settings;
    const current = this.#simulation.settings;
    Object.assign(current, rest);
    Object.assign(current.cloudTrail, cloudTrail);
  }

  async account(account?: string): Promise<AccountDump> {
    const found = this.#account(account);
    return dumpAccount(found, this.#simulation.world.trail(found)?.size ?? 0);
  }

  async user(userName: string, account?: string): Promise<UserDump | undefined> {
    const found = this.#account(account);
    const user = found.users.get(keyOf(userName));
    return user === undefined ? undefined : dumpUser(found, user);
  }

  async checkPassword(userName: string, password: string, account?: string): Promise<boolean> {
    const user = this.#account(account).users.get(keyOf(userName));
    return user !== undefined && passwordFits(user, password);
  }

  async signIn(userName: string, password: string, account?: string): Promise<boolean> {
    const found = this.#account(account);
    const user = found.users.get(keyOf(userName));
    const { world, now } = this.#simulation;
    if (user === undefined) {
      return false;
    }
    const fits = passwordFits(user, password);
    if (fits) {
      found.users.setQuietly(keyOf(user.name), { ...user, passwordLastUsed: now() });
    }
    world.trail(found)?.record({
      name: 'ConsoleLogin',
      source: 'signin.amazonaws.com',
      readOnly: false,
      caller: { kind: 'user', user, arn: found.userArn(user), userId: user.id, accessKeyId: '' },
      requestId: world.random.uuid(),
      region: HOME_REGION[found.partition],
      userAgent: 'console',
      input: {},
      output: { ConsoleLogin: fits ? 'Success' : 'Failure' },
      ...(fits ? {} : { error: { code: 'Failed authentication', message: 'Failed authentication' } }),
    });
    return fits;
  }

  #account(id: string | undefined): Account {
    const { accounts } = this.#simulation.world;
    const found = id === undefined ? accounts.values().next().value : accounts.get(id);
    if (found === undefined) {
      throw new UnknownAccount(`there is no account ${id}`);
    }
    return found;
  }
}
