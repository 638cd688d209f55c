import {
  DirectoryUnavailableError,
  type AccountWrite,
  type ConnectionName,
  type DirectoryAccount,
  type Refusal,
  type WriteContext,
  type WriteOutcome,
} from '../../../../src/idhub/index.ts';
import type { OperationHost } from '../../../../src/idhub/operations/index.ts';

export const aws: ConnectionName = { namespace: 'team', name: 'aws' };

interface User {
  readonly id: string;
  userName: string;
  active: boolean;
  password: string | undefined;
  readonly entitlements: Set<string>;
  attributes: Record<string, string>;
  /** Operations that have changed it, each once. */
  readonly operations: string[];
}

/** How a write is answered in place of being done. */
export type Answer = WriteOutcome | Error | undefined;

/** An AWS account that outlives processes, and knows operations by their id as the product's directory does. */
export class FakeAccount implements OperationHost {
  readonly users: User[] = [];
  /** Writes that were asked for, in order: `create jo`, `change AIDA1 {"active":false}`. */
  readonly asked: string[] = [];
  readonly contexts: WriteContext[] = [];
  /** Set: asked before each write; what it gives is the answer. */
  before: (write: string, context: WriteContext) => Promise<Answer> | Answer = () => undefined;
  /** Set: called after each write. */
  after: (write: string) => Promise<void> | void = () => undefined;
  away = false;
  #made = 0;
  most = 0;
  #under = 0;

  add(userName: string): User {
    this.#made += 1;
    const user: User = {
      id: `AIDA${this.#made}`,
      userName,
      active: true,
      password: undefined,
      entitlements: new Set(),
      attributes: {},
      operations: [],
    };
    this.users.push(user);
    return user;
  }

  named(userName: string): User | undefined {
    return this.users.find((user) => user.userName.toLowerCase() === userName.toLowerCase());
  }

  latest(): ReturnType<OperationHost['latest']> {
    if (this.away) {
      throw new DirectoryUnavailableError('AWS was not read yet.', { retryAfterMs: 7_000 });
    }
    return this.#shown(({ userName }) => userName !== this.unseen);
  }

  /** Whom `latest` does not show. */
  unseen: string | undefined;
  /** When the whole reading began. */
  takenAt = Number.MAX_SAFE_INTEGER;
  /** No whole reading is there. */
  partial = false;

  async view(): ReturnType<OperationHost['view']> {
    if (this.partial) {
      throw new DirectoryUnavailableError('AWS was not read as a whole yet.', { retryAfterMs: 7_000 });
    }
    return { ...this.#shown(() => true), takenAt: this.takenAt };
  }

  #shown(isShown: (user: User) => boolean): ReturnType<OperationHost['latest']> {
    const told = (user: User | undefined) =>
      accountOf(user !== undefined && isShown(user) ? user : undefined);
    return {
      account: (id) => told(this.users.find((user) => user.id === id)),
      accountByName: (userName) => told(this.named(userName)),
    };
  }

  readonly directory: OperationHost['directory'] = {
    create: (write, context) =>
      this.#write(`create ${write.userName}`, context, () => {
        const present = this.named(write.userName);
        if (present !== undefined && present.operations[0] !== context.operationId) {
          return refused('uniqueness', `"${write.userName}" is there already.`);
        }
        return this.#change(present ?? this.add(write.userName), write, context);
      }),
    change: (id, write, context) =>
      this.#write(`change ${id} ${JSON.stringify(write)}`, context, () => {
        const user = this.users.find((one) => one.id === id);
        return user === undefined
          ? refused('missing', 'There is no such user.')
          : this.#change(user, write, context);
      }),
    remove: (id, context) =>
      this.#write(`remove ${id}`, context, () => {
        const at = this.users.findIndex((one) => one.id === id);
        if (at < 0) {
          return refused('missing', 'There is no such user.');
        }
        this.users.splice(at, 1);
        return { kind: 'done', account: undefined, changed: true };
      }),
  };

  async #write(write: string, context: WriteContext, act: () => WriteOutcome): Promise<WriteOutcome> {
    this.asked.push(write);
    this.contexts.push(context);
    this.#under += 1;
    this.most = Math.max(this.most, this.#under);
    try {
      const answer = await this.before(write, context);
      if (answer instanceof Error) {
        throw answer;
      }
      const outcome = answer ?? act();
      await this.after(write);
      return outcome;
    } finally {
      this.#under -= 1;
    }
  }

  #change(user: User, write: AccountWrite, { operationId = '' }: WriteContext): WriteOutcome {
    if (!user.operations.includes(operationId)) {
      user.operations.push(operationId);
    }
    user.userName = write.userName ?? user.userName;
    user.active = write.active ?? user.active;
    for (const [name, value] of Object.entries(write.attributes ?? {})) {
      if (value === null) {
        delete user.attributes[name];
      } else {
        user.attributes[name] = value;
      }
    }
    if (write.password !== undefined) {
      user.password =
        write.password.kind === 'given' ? write.password.password : `generated for ${operationId}`;
    }
    write.entitlements?.add.forEach((one) => user.entitlements.add(JSON.stringify(one)));
    write.entitlements?.remove.forEach((one) => user.entitlements.delete(JSON.stringify(one)));
    const account = accountOf(user);
    return { kind: 'done', account, changed: true };
  }
}

export function refused(kind: Refusal['kind'], message: string): WriteOutcome {
  return { kind: 'refused', refusal: { kind, message } };
}

export function pending(retryAfterMs: number): WriteOutcome {
  return { kind: 'pending', retryAfterMs, message: 'AWS is slow.' };
}

function accountOf(user: User | undefined): DirectoryAccount | undefined {
  return user === undefined
    ? undefined
    : {
        userId: user.id,
        userName: user.userName,
        arn: `arn:aws:iam::111122223333:user/${user.userName}`,
        path: '/',
        createdAt: 0,
        attributes: { ...user.attributes },
        boundary: null,
        active: user.active,
        entitlements: [],
        credentials: undefined,
        lastActivity: undefined,
        externalId: undefined,
        managed: true,
        version: '1',
      };
}
