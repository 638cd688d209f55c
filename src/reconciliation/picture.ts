import { ownerTag, tagValue, type CredentialFacts, type ObservedUser } from '../account/index.ts';
import { fold } from '../schema/index.ts';
import type { GroupPolicies } from './details.ts';
import type { AccountReading, Unread } from './read-account.ts';

/** The last complete reading of an account, with our own newer writes laid over it. */
export interface Snapshot {
  /** When the reading began, milliseconds since the epoch: what it shows is at least as new. */
  readonly takenAt: number;
  /** Stands for the reading: the same object for as long as no other is laid under, whatever is laid over it. */
  readonly reading: object;
  /** Changes with every write of ours and every live look that is laid over the reading. */
  readonly revision: number;
  /** How many users there are. */
  readonly size: number;
  /** How many calls to AWS the reading took. */
  readonly calls: number;
  /** What could not be read of anybody, and why: it is unknown, not absent. */
  readonly unread: ReadonlyMap<Unread, string>;
  users(): Iterable<ObservedUser>;
  byId(userId: string): ObservedUser | undefined;
  /** Without regard to case, as IAM compares names. */
  byName(userName: string): ObservedUser | undefined;
  /** By the value of the owner tag. */
  byOwner(value: string): ObservedUser | undefined;
  groups(): Iterable<GroupPolicies>;
  inheritedBy(user: ObservedUser): readonly GroupPolicies[];
  /** Without regard to case. */
  group(name: string): GroupPolicies | undefined;
  /**
   * What the credential report says of a user, with none of our own later writes in it (`asOf`); undefined
   * where there is no report, or where the user is not in it, made or renamed since.
   */
  credentials(userId: string): CredentialFacts | undefined;
  /** The same of a user as it was at some time. */
  credentialsOf(user: Pick<ObservedUser, 'arn' | 'createdAt'>): CredentialFacts | undefined;
}

export interface PictureOptions {
  readonly users: Iterable<ObservedUser>;
  /** The reading that it shows; undefined before the first. */
  readonly reading: (Omit<AccountReading, 'users'> & { readonly takenAt: number }) | undefined;
}

/** The users of a reading by id, name and owner; users can be put and dropped. */
export class Picture {
  readonly #reading: PictureOptions['reading'];
  readonly #users = new Map<string, ObservedUser>();
  readonly #names = new Map<string, string>();
  readonly #owners = new Map<string, string>();
  #revision = 0;

  constructor({ users, reading }: PictureOptions) {
    this.#reading = reading;
    for (const user of users) {
      this.put(user);
    }
  }

  /** Undefined where there was no reading. */
  get snapshot(): Snapshot | undefined {
    const reading = this.#reading;
    if (reading === undefined) {
      return undefined;
    }
    const { groups, credentials } = reading;
    return {
      takenAt: reading.takenAt,
      reading,
      revision: this.#revision,
      size: this.#users.size,
      calls: reading.pages,
      unread: reading.unread ?? new Map<Unread, string>(),
      users: () => this.#users.values(),
      byId: (userId) => this.get(userId),
      byName: (userName) => this.#at(this.#names.get(fold(userName))),
      byOwner: (value) => this.#at(this.#owners.get(value)),
      groups: () => groups.values(),
      inheritedBy: (user) => user.groups.flatMap((group) => groups.get(fold(group)) ?? []),
      group: (name) => groups.get(fold(name)),
      credentials: (userId) => {
        const user = this.get(userId);
        return user === undefined ? undefined : credentials?.of(user.arn, user.createdAt);
      },
      credentialsOf: ({ arn, createdAt }) => credentials?.of(arn, createdAt),
    };
  }

  /** Another one that changes on its own. */
  copy(): Picture {
    return new Picture({ users: this.#users.values(), reading: this.#reading });
  }

  get(userId: string): ObservedUser | undefined {
    return this.#users.get(userId);
  }

  has(userId: string): boolean {
    return this.#users.has(userId);
  }

  put(user: ObservedUser): void {
    this.drop(user.userId);
    this.#revision += 1;
    this.#users.set(user.userId, user);
    this.#names.set(fold(user.userName), user.userId);
    const owner = tagValue(user.tags, ownerTag);
    if (owner !== undefined) {
      this.#owners.set(owner, user.userId);
    }
  }

  drop(userId: string): void {
    const known = this.#users.get(userId);
    if (known === undefined) {
      return;
    }
    this.#revision += 1;
    this.#users.delete(userId);
    const name = fold(known.userName);
    if (this.#names.get(name) === userId) {
      this.#names.delete(name);
    }
    const owner = tagValue(known.tags, ownerTag);
    if (owner !== undefined && this.#owners.get(owner) === userId) {
      this.#owners.delete(owner);
    }
  }

  #at(userId: string | undefined): ObservedUser | undefined {
    return userId === undefined ? undefined : this.#users.get(userId);
  }
}
