import {
  awsAccountType,
  awsEntitlementBindingType,
  type AwsAccount,
  type AwsEntitlementBinding,
} from '../../../operator/api/v1alpha1/index.ts';
import {
  isNotFound,
  type Client,
  type KubeObject,
  type ResourceType,
} from '../../../operator/runtime/index.ts';
import {
  bindingName,
  bindingOf,
  edges,
  isEnabled,
  isHeld,
  manifestOf,
  patchOf,
  type Declaration,
  type Edge,
  type Person,
} from './person.ts';
import type { Random } from './random.ts';

const streets = [
  "O'Connell Street 7",
  '5, High St.',
  'Königsallee 1',
  `${'Long Road & Son; '.repeat(40)}9`,
  '西新宿 2',
];
const departments = ['Engineering', 'Research & Development', 'Sales', 'Human Resources (EMEA)'];

export interface LoadOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly random: Random;
  /** About so many objects are kept alive. */
  readonly accounts: number;
  /** The ARN of a policy that can be a boundary. */
  readonly boundary: string;
}

type Action = 'create' | 'change' | 'switch' | 'bind' | 'rename' | 'delete' | 'rejoin' | 'poke';

const edgeNames = Object.keys(edges) as Edge[];

/** What people ask for: creates, changes, renames, disables, enables and deletes AwsAccounts, and binds them. */
export class Load {
  readonly people: Person[] = [];
  readonly counts = new Map<Action, number>();
  readonly #options: LoadOptions;
  /** IAM names that a rename has left. */
  readonly #freed: { readonly name: string; readonly by: Person }[] = [];
  #names = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Half of the accounts at once, as on the first day. */
  async begin(): Promise<void> {
    for (let made = 0; made < this.#options.accounts / 2; made += 1) {
      await this.#create();
    }
  }

  /** One random act. The model changes with the object, or not at all. */
  async act(): Promise<void> {
    const { random, accounts } = this.#options;
    const live = this.people.filter((person) => person.state === 'live' && !isHeld(person));
    const few = live.length < accounts;
    const action: Action =
      live.length === 0
        ? 'create'
        : random.weighted<Action>([
            [few ? 40 : 1, 'create'],
            [30, 'change'],
            [22, 'switch'],
            [20, 'bind'],
            [12, 'rename'],
            [few ? 3 : 12, 'delete'],
            [6, 'rejoin'],
            [3, 'poke'],
          ]);
    if (await this.#do(action, live)) {
      this.counts.set(action, (this.counts.get(action) ?? 0) + 1);
    }
  }

  async #do(action: Action, live: readonly Person[]): Promise<boolean> {
    const { random } = this.#options;
    switch (action) {
      case 'create':
        await this.#create();
        return true;
      case 'change':
        await this.#declare(random.pick(live), this.#changed);
        return true;
      case 'switch':
        await this.#switch(random.pick(live));
        return true;
      case 'bind':
        return this.#bind(random.pick(live));
      case 'rename': {
        const person = random.pick(live);
        const left = person.declared.userName;
        await this.#declare(person, (before) => ({ ...before, userName: this.#name() }));
        this.#freed.push({ name: left, by: person });
        return true;
      }
      case 'delete':
        return this.#delete(random.pick(live));
      case 'rejoin':
        return this.#rejoin();
      case 'poke':
        await this.#annotate(random.pick(live), 'reconcile-at', String(random.int(0, 1e9)));
        return true;
    }
  }

  async #create(): Promise<void> {
    const { client, namespace, random } = this.#options;
    const declared = this.#newDeclaration();
    const person: Person = {
      name: `person-${String(this.people.length + 1).padStart(4, '0')}`,
      declared,
      names: [declared.userName],
      disabledBy: '',
      state: 'live',
      incarnations: 1,
      disables: 0,
      nameGivenAway: false,
      plain: random.chance(0.2),
      bound: new Set(),
      deletedOutside: new Set(),
    };
    person.disables = random.chance(0.1) ? 1 : 0;
    person.declared = { ...person.declared, enabled: person.disables === 0 };
    const without = random.pick(edgeNames);
    const [first, second] = person.plain ? [] : edgeNames.filter((edge) => edge !== without);
    // Order means nothing: now and then a binding is there before its account.
    if (first !== undefined && random.chance(0.5)) {
      await this.#give(person, first);
    }
    await client.create<AwsAccount>(awsAccountType, manifestOf(person, namespace));
    this.people.push(person);
    for (const edge of [first, second]) {
      if (edge !== undefined && !person.bound.has(edge)) {
        await this.#give(person, edge);
      }
    }
  }

  async #give(person: Person, edge: Edge): Promise<void> {
    const { client, namespace } = this.#options;
    const manifest = bindingOf(person, edge, namespace);
    await client.create<AwsEntitlementBinding>(awsEntitlementBindingType, manifest);
    person.bound.add(edge);
  }

  async #take(person: Person, edge: Edge): Promise<void> {
    const { client, namespace } = this.#options;
    person.bound.delete(edge);
    await client.delete(awsEntitlementBindingType, { namespace, name: bindingName(person, edge) });
  }

  /** Takes one edge away, or gives one, unless what was taken is not let go of yet. */
  async #bind(person: Person): Promise<boolean> {
    const edge = this.#options.random.pick(edgeNames);
    if (person.plain) {
      return false;
    }
    if (person.bound.has(edge)) {
      await this.#take(person, edge);
      return true;
    }
    const free = await this.#isGone(awsEntitlementBindingType, bindingName(person, edge));
    if (free) {
      await this.#give(person, edge);
    }
    return free;
  }

  async #declare(person: Person, change: (before: Declaration) => Declaration): Promise<void> {
    const { client, namespace } = this.#options;
    const next = change(person.declared);
    const patch = patchOf(person.declared, next);
    await client.mergePatch<AwsAccount>(awsAccountType, { namespace, name: person.name }, patch);
    person.declared = next;
    if (!person.names.includes(next.userName)) {
      person.names.push(next.userName);
    }
  }

  async #annotate(person: Person, annotation: string, value: string | null): Promise<void> {
    const { client, namespace } = this.#options;
    const annotations = { [`aws.idhub.io/${annotation}`]: value };
    const key = { namespace, name: person.name };
    await client.mergePatch<AwsAccount>(awsAccountType, key, { metadata: { annotations } });
  }

  async #switch(person: Person): Promise<void> {
    const by = this.#options.random.chance(0.3) ? 'security' : '';
    if (isEnabled(person)) {
      // Counted first: whoever looks in between must take it for disabled.
      person.disables += 1;
    }
    if (person.disabledBy !== '') {
      await this.#annotate(person, 'disabled-by', null);
      person.disabledBy = '';
    } else if (person.declared.enabled && by !== '') {
      await this.#annotate(person, 'disabled-by', by);
      person.disabledBy = by;
    } else {
      await this.#declare(person, (before) => ({ ...before, enabled: !before.enabled }));
    }
  }

  async #delete(person: Person): Promise<boolean> {
    const { client, namespace } = this.#options;
    if (person.nameGivenAway && person.declared.deletionPolicy !== 'Delete') {
      return false;
    }
    person.state = 'deleted';
    const bound = [...person.bound];
    const [before, after] = [bound.slice(0, 1), bound.slice(1)];
    for (const edge of before) {
      await this.#take(person, edge);
    }
    await client.delete(awsAccountType, { namespace, name: person.name });
    for (const edge of after) {
      await this.#take(person, edge);
    }
    return true;
  }

  /** Makes an object anew whose user was deleted with it, once it is gone. */
  async #rejoin(): Promise<boolean> {
    const { client, namespace, random } = this.#options;
    const gone = this.people.filter(
      (person) =>
        person.state === 'deleted' && person.declared.deletionPolicy === 'Delete' && !isHeld(person),
    );
    if (gone.length === 0) {
      return false;
    }
    const person = random.pick(gone);
    if (!(await this.#isGone(awsAccountType, person.name))) {
      return false;
    }
    person.declared = { ...person.declared, enabled: true };
    person.disabledBy = '';
    await client.create<AwsAccount>(awsAccountType, manifestOf(person, namespace));
    person.incarnations += 1;
    person.state = 'live';
    return true;
  }

  async #isGone(type: ResourceType<KubeObject>, name: string): Promise<boolean> {
    const { client, namespace } = this.#options;
    try {
      await client.get(type, { namespace, name });
      return false;
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
      return true;
    }
  }

  /** A fresh name in the alphabet of IAM, or now and then one that a rename has left. */
  #name(): string {
    const { random } = this.#options;
    const at = this.#freed.findIndex(({ by }) => by.state === 'live' && !isHeld(by));
    if (at >= 0 && random.chance(0.25)) {
      const [freed] = this.#freed.splice(at, 1);
      if (freed !== undefined) {
        freed.by.nameGivenAway = true;
        return freed.name;
      }
    }
    this.#names += 1;
    return `${random.pick(['Ana', 'bo', 'J.Doe', 'x+y', 'eve@corp', 'k=v', 'a,b'])}-${this.#names}`;
  }

  #newDeclaration(): Declaration {
    const { random } = this.#options;
    return this.#changed({
      userName: this.#name(),
      path: '/people/',
      attributes: { givenName: 'Ada', surname: "O'Brien" },
      tags: {},
      enabled: true,
      permissionsBoundary: undefined,
      deletionPolicy: random.pick(['Delete', 'Disable', 'Retain'] as const),
      onExternalDelete: random.pick(['Hold', 'Recreate'] as const),
    });
  }

  readonly #changed = (before: Declaration): Declaration => {
    const { random, boundary } = this.#options;
    const some = <T>(value: T): T | undefined => (random.chance(0.6) ? value : undefined);
    const drop = (entries: Record<string, string | undefined>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
    return {
      ...before,
      path: random.chance(0.2)
        ? random.pick(['/people/', '/people/berlin/', '/contractors/', '/'])
        : before.path,
      attributes: drop({
        givenName: some(random.pick(['Ada', 'Zoë', 'Ngọc', 'Ada Maria'])),
        surname: some(random.pick(["O'Brien", 'Smith', 'de la Cruz'])),
        department: some(random.pick(departments)),
        streetAddress: some(random.pick(streets)),
        employeeId: some(String(random.int(1, 99_999))),
      }),
      tags: drop({
        team: some(random.pick(['blue', 'green', 'red'])),
        'cost center': some(String(random.int(100, 999))),
        project: some(random.pick(['apollo', 'gemini'])),
      }),
      permissionsBoundary: random.chance(0.2) ? some(boundary) : before.permissionsBoundary,
    };
  };
}
