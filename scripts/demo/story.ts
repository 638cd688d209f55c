import { TagUserCommand } from '@aws-sdk/client-iam';
import type { AwsAccount } from '../../operator/api/v1alpha1/index.ts';
import type { UserDump } from '../../test/simulator/index.ts';
import type { World } from '../../test/e2e/world.ts';
import type { Stage } from './stage.ts';

/** How long the joiner has the policy that expires. */
const policyMs = 120_000;
/** What is taken away at its time is taken away within this. */
const lateMs = 60_000;
const halfSecondMs = 500;
const moved = 'Platform';

export interface StoryOptions {
  readonly stage: Stage;
  readonly world: World;
  /** As examples/ has it; its entitlement with `expiresAt` gets that two minutes from now. */
  readonly joiner: AwsAccount;
  /** Somebody who is there already, managed and enabled. */
  readonly other: AwsAccount;
}

/** A joiner, a mover and a leaver, one person, and a hand in AWS while a policy runs out. */
export class Story {
  readonly #options: StoryOptions;
  readonly #name: string;
  #userName: string;
  #userId = '';
  #keyId = '';

  constructor(options: StoryOptions) {
    this.#options = options;
    this.#name = options.joiner.metadata.name;
    this.#userName = options.joiner.spec.userName;
  }

  async play(): Promise<void> {
    const expiry = await this.#joins();
    await this.#handInAws();
    await this.#moves();
    await this.#expires(expiry);
    await this.#leaves();
    await this.#isDeleted();
    await this.#isLetGo();
  }

  /** @returns when the policy is to go, milliseconds since the epoch */
  async #joins(): Promise<number> {
    const { stage, world, joiner } = this.#options;
    const expiry = Math.ceil((Date.now() + policyMs) / 1_000) * 1_000;
    const expiresAt = new Date(expiry).toISOString();
    const entitlements = (joiner.spec.entitlements ?? []).map((entry) =>
      entry.expiresAt === undefined ? entry : Object.assign({}, entry, { expiresAt }),
    );
    const groups = entitlements.flatMap(({ type, name }) => (type === 'Group' ? (name ?? []) : []));
    const policies = entitlements.flatMap(({ type, name }) => (type === 'Group' ? [] : (name ?? [])));
    stage.say(
      `a joiner: kubectl apply of ${this.#name}, one object with an access key, the groups ${groups.join(' and ')}, ` +
        `and ${policies.join(', ')} until ${expiresAt}`,
    );
    await world.apply({ ...joiner, spec: { ...joiner.spec, entitlements } });
    await stage.check(`${this.#name} is Ready, with ${entitlements.length} entitlements`, async () => {
      const { status } = await world.account(this.#name);
      return isReady(status) && status?.entitlements?.ready === entitlements.length;
    });
    await stage.check(`IAM user ${this.#userName} is in both groups and has the policy`, async () => {
      const user = await this.#user();
      this.#userId = user?.userId ?? '';
      return (
        groups.every((group) => user?.groups.includes(group) === true) &&
        entitled(user).length === policies.length
      );
    });
    await stage.check(
      `its access key is Active, and the Secret ${this.#secretName()} has it whole`,
      async () => {
        const [key, ...others] = (await this.#user())?.accessKeys ?? [];
        const secret = await this.#secret();
        this.#keyId = key?.accessKeyId ?? '';
        return (
          key?.status === 'Active' &&
          others.length === 0 &&
          secret['accessKeyId'] === key.accessKeyId &&
          secret['secretAccessKey'] !== undefined &&
          secret['userName'] === this.#userName
        );
      },
    );
    if (joiner.spec.console?.access === 'Managed') {
      await stage.check('the password of that Secret opens the console', async () => {
        const { password } = await this.#secret();
        return password !== undefined && (await world.simulator.checkPassword(this.#userName, password));
      });
    }
    await stage.cost();
    console.log(await world.kubectl(['get', 'awsaccounts,awsentitlementbindings', '-n', world.namespace]));
    return expiry;
  }

  async #handInAws(): Promise<void> {
    const { stage, world, other } = this.#options;
    const { userName } = other.spec;
    stage.say(
      `somebody changes tags of ${userName} in AWS: what is declared is put back, what is not ours stays`,
    );
    const { tags = {} } = (await world.simulator.user(userName)) ?? {};
    const declared = Object.keys(tags).find((key) => !key.startsWith('aws.idhub.io/'));
    await world.iam.send(
      new TagUserCommand({
        UserName: userName,
        Tags: [
          { Key: 'their-own', Value: 'stays' },
          ...(declared === undefined ? [] : [{ Key: declared, Value: 'changed by hand' }]),
        ],
      }),
    );
    // Within half a minute of a write of ours a reading may still show what was before it, and is not
    // believed; this asks for a live look now.
    const now = `aws.idhub.io/reconcile-at=${new Date().toISOString()}`;
    await this.#kubectl('annotate', 'awsaccount', other.metadata.name, '--overwrite', now);
    await stage.check('drift is mended, the foreign tag stays', async () => {
      const user = await world.simulator.user(userName);
      return (
        user?.tags['their-own'] === 'stays' &&
        (declared === undefined || user.tags[declared] === tags[declared])
      );
    });
    await stage.cost();
  }

  async #moves(): Promise<void> {
    const { stage, world, joiner } = this.#options;
    const before = (await world.account(this.#name)).spec.entitlements ?? [];
    const left = before.find(({ type }) => type === 'Group');
    const renamed = `${joiner.spec.userName}-${moved.toLowerCase()}`;
    const old = this.#userName;
    stage.say(
      `a mover: department ${moved}, group ${left?.name ?? ''} becomes ${moved}, and the user is called ${renamed}`,
    );
    await this.#patch({
      userName: renamed,
      attributes: { department: moved },
      entitlements: before.map((entry) => (entry === left ? { type: 'Group', name: moved } : entry)),
    });
    await stage.check(`the user is called ${renamed} and is the same (${this.#userId})`, async () => {
      const user = await world.simulator.user(renamed);
      return user?.userId === this.#userId && (await world.simulator.user(old)) === undefined;
    });
    this.#userName = renamed;
    await stage.check(
      `it left ${left?.name ?? ''} and is in ${moved}; the policy and its time are as before`,
      async () => {
        const user = await this.#user();
        return (
          user?.groups.includes(moved) === true &&
          !user.groups.includes(left?.name ?? '') &&
          entitled(user).length === 1 &&
          user.tags['department'] === moved
        );
      },
    );
    await stage.check('the access key is the same, and the Secret has the new name', async () => {
      const user = await this.#user();
      const secret = await this.#secret();
      return (
        user?.accessKeys.length === 1 &&
        user.accessKeys[0]?.accessKeyId === this.#keyId &&
        secret['accessKeyId'] === this.#keyId &&
        secret['userName'] === renamed
      );
    });
    await stage.check(`${this.#name} is Ready`, async () =>
      isReady((await world.account(this.#name)).status),
    );
    await stage.cost();
  }

  async #expires(expiry: number): Promise<void> {
    const { stage, world } = this.#options;
    const left = Math.max(0, expiry - Date.now());
    stage.say(`the policy has ${Math.round(left / 1_000)} s left; nobody has to do anything`);
    await stage.check(
      'the policy was taken away at its time, once',
      async () => {
        const user = await this.#user();
        if (user === undefined || entitled(user).length !== 0) {
          return false;
        }
        const [detached, ...more] = (await world.simulator.writes()).filter(
          ({ operation, user: of }) => operation === 'DetachUserPolicy' && of === this.#userName,
        );
        // AWS tells its time to the second: it is known to half of one.
        return (
          more.length === 0 &&
          detached !== undefined &&
          detached.at >= expiry - halfSecondMs &&
          detached.at <= expiry + lateMs
        );
      },
      left + lateMs,
    );
    await stage.cost();
  }

  async #leaves(): Promise<void> {
    const { stage, world } = this.#options;
    stage.say('a leaver: spec.enabled becomes false');
    const { groups = [] } = (await this.#user()) ?? {};
    await this.#patch({ enabled: false });
    await stage.check('everything is denied, the key is Inactive, there is no password', async () => {
      const user = await this.#user();
      const { status } = await world.account(this.#name);
      return (
        user?.inlinePolicies['IDHubDisabled'] !== undefined &&
        user.accessKeys.every((key) => key.status === 'Inactive') &&
        !user.hasLoginProfile &&
        status?.state === 'Disabled'
      );
    });
    await stage.check(`its groups are as they were: ${groups.join(', ')}`, async () => {
      const user = await this.#user();
      return JSON.stringify(user?.groups) === JSON.stringify(groups);
    });
    await stage.cost();
  }

  async #isDeleted(): Promise<void> {
    const { stage } = this.#options;
    stage.say(
      `kubectl delete of ${this.#name}, deletionPolicy Delete: the user goes with everything it owns`,
    );
    await this.#kubectl('delete', 'awsaccount', this.#name, '--timeout=30s');
    await stage.check('the user is gone', async () => (await this.#user()) === undefined);
    await stage.check('so are its bindings and its Secret', async () => {
      const bindings = await this.#kubectl('get', 'awsentitlementbindings', '-o', 'json');
      const { items } = JSON.parse(bindings) as { items: { spec: { accountRef?: { name: string } } }[] };
      const secret = await this.#kubectl(
        'get',
        'secret',
        this.#secretName(),
        '--ignore-not-found',
        '-o',
        'name',
      );
      return items.every(({ spec }) => spec.accountRef?.name !== this.#name) && secret === '';
    });
    await stage.cost();
  }

  async #isLetGo(): Promise<void> {
    const { stage, world, other } = this.#options;
    stage.say(
      `kubectl delete of ${other.metadata.name}, deletionPolicy Retain (the default): the user stays`,
    );
    await this.#kubectl('delete', 'awsaccount', other.metadata.name, '--timeout=30s');
    await stage.check('the user is there and is nobody’s', async () => {
      const user = await world.simulator.user(other.spec.userName);
      return user !== undefined && user.tags['aws.idhub.io/owner'] === undefined;
    });
    await stage.cost();
  }

  #user(): Promise<UserDump | undefined> {
    return this.#options.world.simulator.user(this.#userName);
  }

  #secretName(): string {
    return this.#options.joiner.spec.credentialsSecretName ?? `${this.#name}-credentials`;
  }

  async #secret(): Promise<Readonly<Record<string, string>>> {
    const { data = {} } = JSON.parse(
      await this.#kubectl('get', 'secret', this.#secretName(), '-o', 'json'),
    ) as { data?: Record<string, string> };
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  }

  async #patch(spec: object): Promise<void> {
    await this.#kubectl('patch', 'awsaccount', this.#name, '--type=merge', '-p', JSON.stringify({ spec }));
  }

  #kubectl(...args: readonly string[]): Promise<string> {
    const { world } = this.#options;
    return world.kubectl([...args, '-n', world.namespace]);
  }
}

/** Policies that the user is given; who has to choose a password also has the right to. */
function entitled(user: UserDump | undefined): readonly string[] {
  return (user?.attachedPolicies ?? []).filter((arn) => !arn.endsWith('/IAMUserChangePassword'));
}

/** Ready, and for no other reason than that all is as declared. */
export function isReady(status: AwsAccount['status']): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}
