import {
  AttachUserPolicyCommand,
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeleteLoginProfileCommand,
  DeleteUserCommand,
  DetachUserPolicyCommand,
  RemoveUserFromGroupCommand,
} from '@aws-sdk/client-iam';
import type { World } from '../e2e/world.ts';
import type { UserDump } from '../simulator/index.ts';
import type { Answer, IdhubAccount, IdhubClient, IdhubEntitlement } from './client.ts';
import type { GitOps } from './gitops.ts';

/** How the story is told: the demo prints it, a test expects it. */
export interface Teller {
  say(text: string): void;
  /** Waits until it is so; what is not so in time has failed. */
  check(what: string, probe: () => Promise<boolean> | boolean, withinMs?: number): Promise<void>;
}

export interface IdhubStoryOptions {
  readonly world: World;
  /** Signs in with Basic, as the guide says. */
  readonly basic: IdhubClient;
  /** Signs in with a bearer token, as the security page of the vendor says. */
  readonly bearer: IdhubClient;
  readonly gitops: GitOps;
  /** Who is in Git, and enabled there. */
  readonly inGit: string;
  readonly teller: Teller;
}

const group = 'Analysts';
const policy = 'ReadReports';
/** Users that nobody declared. */
export const undeclared = 300;
const nameOf = (number: number): string => `legacy-${String(number).padStart(3, '0')}`;

/** What is in AWS before IDHub comes: users with groups, policies and passwords that nobody declared. */
export async function fillAws({ iam }: Pick<World, 'iam'>): Promise<void> {
  await iam.send(new CreateGroupCommand({ GroupName: group }));
  const { Policy } = await iam.send(
    new CreatePolicyCommand({
      PolicyName: policy,
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::reports/*' }],
      }),
    }),
  );
  for (let number = 1; number <= undeclared; number += 1) {
    const UserName = nameOf(number);
    await iam.send(new CreateUserCommand({ UserName, Tags: [{ Key: 'department', Value: 'Legacy' }] }));
    if (number % 3 === 0) {
      await iam.send(new AddUserToGroupCommand({ UserName, GroupName: group }));
    }
    if (number % 5 === 0) {
      await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy?.Arn }));
    }
    if (number <= 20) {
      await iam.send(new CreateLoginProfileCommand({ UserName, Password: 'Legacy-Password-1!' }));
    }
  }
}

/**
 * IDHub's side, from onboarding to the stale check, by the vendor's documents: what it sends, what comes of it in
 * AWS, and what IDHub takes from that. One story for the demo and for the tests.
 */
export class IdhubStory {
  readonly #options: IdhubStoryOptions;
  /** What IDHub knew after its last pull, by id. */
  #known = new Map<string, IdhubAccount>();
  #catalogue: readonly IdhubEntitlement[] = [];
  #joinerId = '';

  constructor(options: IdhubStoryOptions) {
    this.#options = options;
  }

  async play(): Promise<void> {
    await this.#onboards();
    await this.#pulls();
    await this.#provisions();
    await this.#changesWhomNobodyDeclared();
    await this.#grantsAndRevokes();
    await this.#disablesDespiteGit();
    await this.#resetsAPassword();
    await this.#deletes();
    await this.#looksForStaleAccounts();
  }

  async #onboards(): Promise<void> {
    const { basic, teller } = this.#options;
    teller.say(
      'IDHub onboards the application: /connector/health, then /connector/test, then /connector/metadata',
    );
    await teller.check('health: the connector is UP, with AWS and with IDHub itself', async () => {
      const { status, body } = await basic.connector('health');
      return status === 200 && body['status'] === 'UP';
    });
    await teller.check('test: the credentials of the AWS account are good', async () => {
      const { status, body } = await basic.connector('test');
      return status === 200 && body['status'] === 'UP';
    });
    const { body } = await basic.connector('metadata');
    const schema = body['accountSchema'] as {
      readonly id: string;
      readonly attributes: readonly { readonly name: string; readonly uniqueness?: string }[];
    };
    const unique = schema.attributes.filter(({ uniqueness }) =>
      ['server', 'global'].includes(uniqueness ?? ''),
    );
    await teller.check(
      `metadata: "${String(body['name'])}", ${schema.attributes.length} attributes, matched by ${(body['reconciliationKeys'] as string[]).join(', ')}; exactly one is unique: ${unique.map(({ name }) => name).join(', ')}`,
      () =>
        schema.id === 'urn:sath:params:scim:schemas:core:1.0:Account' &&
        unique.length === 1 &&
        unique[0]?.name === 'userName' &&
        (body['reconciliationKeys'] as string[]).includes('userName') &&
        typeof body['businessOwner'] === 'string' &&
        typeof body['itOwner'] === 'string',
    );
  }

  async #pulls(): Promise<void> {
    const { teller, world } = this.#options;
    teller.say(
      `the first reconciliation: everybody, page by page, without a filter (${undeclared} of them nobody has declared)`,
    );
    await this.#pull();
    const legacy = [...this.#known.values()].filter(({ userName }) => userName.startsWith('legacy-'));
    await teller.check(
      `${this.#known.size} accounts came, all ${undeclared} among them, each once`,
      () => legacy.length === undeclared,
    );
    await teller.check('groups and policies came with them, as in AWS', async () => {
      const [third, fifth, first] = [this.#find(nameOf(3)), this.#find(nameOf(5)), this.#find(nameOf(1))];
      return (
        has(third, group) &&
        !has(third, policy) &&
        has(fifth, policy) &&
        (first?.entitlements ?? []).length === 0 &&
        (await world.simulator.user(nameOf(3)))?.groups.includes(group) === true
      );
    });
    await teller.check(`${this.#catalogue.length} entitlements came, ${group} and ${policy} among them`, () =>
      [group, policy].every((name) => this.#catalogue.some(({ displayName }) => displayName === name)),
    );
    const objects = await world.kubectl(['get', 'awsaccounts', '-n', world.namespace, '-o', 'name']);
    await teller.check(
      'nothing was declared by reading: there is no AwsAccount of theirs',
      () => !objects.includes('legacy'),
    );
  }

  async #provisions(): Promise<void> {
    const { basic, teller, world } = this.#options;
    teller.say('IDHub provisions grace: POST /scim/v2/Account, with attributes, a password and a group');
    const account = {
      userName: 'grace',
      displayName: 'Grace Hopper',
      department: 'Compilers',
      mail: 'grace@example.test',
      streetAddress: "5, O'Brien Street",
      password: 'Nanosecond-1906!',
      entitlements: [{ value: this.#arn(group) }],
    };
    const { status, body } = await basic.create(account);
    this.#joinerId = body.id;
    await teller.check(
      `201, and what comes back is what is in AWS: ${body.userName}, ${body.id}`,
      async () => {
        const user = await this.#user('grace');
        return (
          status === 201 &&
          user?.userId === body.id &&
          body['department'] === 'Compilers' &&
          body['streetAddress'] === account.streetAddress
        );
      },
    );
    await teller.check(`IAM user grace is in ${group}, and her password opens the console`, async () => {
      const user = await this.#user('grace');
      return (
        user?.groups.includes(group) === true &&
        (await world.simulator.checkPassword('grace', account.password))
      );
    });
    const again = await basic.create({ userName: 'GRACE' });
    await teller.check(
      'the same once more, in other letters: 409 uniqueness, nothing has changed',
      async () => {
        const user = await this.#user('grace');
        return again.status === 409 && scimType(again) === 'uniqueness' && user?.userId === this.#joinerId;
      },
    );
  }

  async #changesWhomNobodyDeclared(): Promise<void> {
    const { basic, teller } = this.#options;
    const name = nameOf(15);
    teller.say(
      `IDHub changes ${name}, whom nobody declared: PUT of the whole account with another department`,
    );
    const before = await this.#user(name);
    const { status, body } = await basic.replace(this.#find(name)?.id ?? '', { department: 'Finance' });
    await teller.check(
      '200; the tag in AWS is Finance, and groups, policies and password are as they were',
      async () => {
        const user = await this.#user(name);
        return (
          status === 200 &&
          body['department'] === 'Finance' &&
          user?.tags['department'] === 'Finance' &&
          user.userId === before?.userId &&
          same(user.groups, before.groups) &&
          same(user.attachedPolicies, before.attachedPolicies) &&
          user.hasLoginProfile === before.hasLoginProfile
        );
      },
    );
  }

  async #grantsAndRevokes(): Promise<void> {
    const { bearer, teller } = this.#options;
    const name = nameOf(30);
    const id = this.#find(name)?.id ?? '';
    teller.say(
      `with a bearer token of Keycloak now: ${name} loses ${policy}, which nobody had declared, and gets it back`,
    );
    const revoked = await bearer.patch(id, {
      op: 'remove',
      path: `entitlements[value eq "${this.#arn(policy)}"]`,
    });
    await teller.check(`PATCH remove: ${policy} is gone from AWS, the group is not`, async () => {
      const user = await this.#user(name);
      return (
        revoked.status < 300 &&
        user?.groups.includes(group) === true &&
        !user.attachedPolicies.includes(this.#arn(policy))
      );
    });
    const granted = await bearer.patch(id, {
      op: 'add',
      path: 'entitlements',
      value: [{ value: this.#arn(policy) }],
    });
    await teller.check(`PATCH add: ${policy} is there again`, async () => {
      const user = await this.#user(name);
      return granted.status < 300 && user?.attachedPolicies.includes(this.#arn(policy)) === true;
    });
  }

  async #disablesDespiteGit(): Promise<void> {
    const { basic, gitops, inGit, teller, world } = this.#options;
    teller.say(
      `IDHub disables ${inGit}, whom Git declares as enabled, and Git is applied again every 5 seconds`,
    );
    await this.#pull();
    const { id = '' } = this.#find(inGit) ?? {};
    const isDenied = async (): Promise<boolean> =>
      Object.keys((await this.#user(inGit))?.inlinePolicies ?? {}).includes('IDHubDisabled');
    const { status, body } = await basic.replace(id, { active: false });
    await teller.check(
      'PUT active=false: 200, everything is denied in AWS',
      async () => status === 200 && Object.is(body.active, false) && (await isDenied()),
    );
    const applied = gitops.applied;
    await teller.check(
      'Git was applied twice more: still denied',
      async () => gitops.applied >= applied + 2 && (await isDenied()),
      30_000,
    );
    await teller.check(
      `${inGit} was not let in for a moment, and the object says who disabled it`,
      async () => {
        const text = await world.kubectl(['get', 'awsaccount', inGit, '-n', world.namespace, '-o', 'json']);
        const { metadata, spec } = JSON.parse(text) as {
          metadata: { annotations: Record<string, string> };
          spec: { enabled?: boolean };
        };
        const letIn = (await world.simulator.writes()).filter(
          ({ operation, user }) => operation === 'DeleteUserPolicy' && user === inGit,
        );
        return (
          letIn.length === 0 &&
          (await isDenied()) &&
          metadata.annotations['aws.idhub.io/disabled-by'] !== undefined &&
          spec.enabled === true
        );
      },
    );
    const enabled = await basic.replace(id, { active: true });
    await teller.check(
      'PUT active=true: enabled again',
      async () => enabled.status === 200 && !(await isDenied()),
    );
  }

  async #resetsAPassword(): Promise<void> {
    const { basic, teller, world } = this.#options;
    teller.say(
      'IDHub resets the password of grace over the webhook, and asks twice since it heard no answer',
    );
    const operation = {
      operationId: 'reset-1',
      kind: 'resetPassword',
      account: { id: this.#joinerId },
      password: { value: 'Microsecond-1947!', resetRequired: false },
    };
    const first = await basic.operations(operation);
    const second = await basic.operations(operation);
    await teller.check('both are answered alike, and the new password opens the console', async () => {
      const fits = await world.simulator.checkPassword('grace', operation.password.value);
      return first.status === 200 && same(first, second) && fits;
    });
    const writes = (await world.simulator.writes()).filter(
      ({ operation: name, user }) => name === 'UpdateLoginProfile' && user === 'grace',
    );
    await teller.check('it was set once', () => writes.length === 1);
    const other = await basic.operations({ ...operation, password: { value: 'Another-Password-1!' } });
    await teller.check('another body with the same operationId: 409', () => other.status === 409);
  }

  async #deletes(): Promise<void> {
    const { basic, teller } = this.#options;
    const legacy = this.#find(nameOf(9))?.id ?? '';
    teller.say(`IDHub deletes grace, and ${nameOf(9)}, whom nobody declared`);
    const answers = [await basic.remove(this.#joinerId), await basic.remove(legacy)];
    await teller.check('204 and 204; the users are gone from AWS with all that they had', async () => {
      const users = [await this.#user('grace'), await this.#user(nameOf(9))];
      return answers.every(({ status }) => status === 204) && users.every((user) => user === undefined);
    });
    const gone = await basic.account(this.#joinerId);
    await teller.check('her id: 404', () => gone.status === 404);
    await this.#pull();
    await teller.check(
      'the next pull has neither',
      () => this.#find('grace') === undefined && this.#find(nameOf(9)) === undefined,
    );
  }

  async #looksForStaleAccounts(): Promise<void> {
    const { teller, world } = this.#options;
    const leavers = [nameOf(1), nameOf(2)];
    teller.say(
      `somebody deletes ${leavers.join(' and ')} in AWS; IDHub looks for stale accounts: who is missing is revoked at once`,
    );
    for (const UserName of leavers) {
      await this.#deleteInAws(UserName);
    }
    const before = new Map(this.#known);
    await teller.check(`the pull lacks exactly these two, ${before.size - 2} stay`, async () => {
      await this.#pull();
      return same(missing(before, this.#known), leavers);
    });
    teller.say('AWS does not answer. A short list would revoke people, so there is none');
    await world.simulator.fault({
      operation: 'GetAccountAuthorizationDetails',
      error: { code: 'ServiceUnavailable' },
      times: -1,
    });
    const known = new Map(this.#known);
    await teller.check(
      'the pull is refused with 503, so nobody is stale',
      async () => {
        const refused = await this.#pull().then(
          () => undefined,
          (error: unknown) => (error as { status?: number }).status,
        );
        return refused === 503 && this.#known.size === known.size;
      },
      40_000,
    );
    await world.simulator.clearFaults();
    await teller.check(
      'AWS answers again: the pull is whole, nobody is missing',
      async () => {
        await this.#pull().catch(() => undefined);
        return same(missing(known, this.#known), []);
      },
      40_000,
    );
  }

  /** A pull that does not come to its end leaves what IDHub knows as it was. */
  async #pull(): Promise<void> {
    const { basic } = this.#options;
    const accounts = await basic.pull<IdhubAccount>('Account');
    this.#catalogue = await basic.pull<IdhubEntitlement>('Entitlement');
    this.#known = new Map(accounts.map((account) => [account.id, account]));
  }

  /** By hand, as an administrator does: what is in the way first. */
  async #deleteInAws(UserName: string): Promise<void> {
    const { iam, simulator } = this.#options.world;
    const user = await simulator.user(UserName);
    for (const GroupName of user?.groups ?? []) {
      await iam.send(new RemoveUserFromGroupCommand({ UserName, GroupName }));
    }
    for (const PolicyArn of user?.attachedPolicies ?? []) {
      await iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }));
    }
    if (user?.hasLoginProfile === true) {
      await iam.send(new DeleteLoginProfileCommand({ UserName }));
    }
    await iam.send(new DeleteUserCommand({ UserName }));
  }

  #find(userName: string): IdhubAccount | undefined {
    return [...this.#known.values()].find((account) => account.userName === userName);
  }

  #arn(name: string): string {
    return this.#catalogue.find(({ displayName }) => displayName === name)?.entitlementArn ?? '';
  }

  #user(userName: string): Promise<UserDump | undefined> {
    return this.#options.world.simulator.user(userName);
  }
}

function has(account: IdhubAccount | undefined, name: string): boolean {
  return account?.entitlements?.some(({ value }) => value.endsWith(`/${name}`)) === true;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function scimType(answer: Answer<unknown>): unknown {
  return (answer.body as { readonly scimType?: unknown } | undefined)?.scimType;
}

/** Names of those who were there and are not any more. */
function missing(
  before: ReadonlyMap<string, IdhubAccount>,
  after: ReadonlyMap<string, IdhubAccount>,
): readonly string[] {
  return [...before.values()]
    .filter(({ id }) => !after.has(id))
    .map(({ userName }) => userName)
    .toSorted();
}
