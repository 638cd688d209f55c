import {
  applySteps,
  planChanges,
  readUser,
  type Applied,
  type ApplyOutcome,
  type Declared,
  type ObservedUser,
  type Plan,
  type Rules,
  type UserLedger,
} from '../../../src/account/index.ts';
import type { CallOptions } from '../../../src/aws/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { isDisabledTag } from '../../../src/account/switched-off.ts';
import { Crash, type FakeAws, type FakeUser } from '../fake-aws.ts';
import { awsAccount, now, owner, rulesWith } from './material.ts';

export const options: CallOptions = { signal: new AbortController().signal };

/** What a disable remembers is the same in any order. */
function inOrder(value: string): string {
  return value.split(' ').sort().join(' ');
}

/** Everything about a user that a person could see in AWS; two that look alike are alike. */
export function looks(aws: FakeAws, user: FakeUser): unknown {
  const sorted = <T>(entries: Iterable<readonly [string, T]>) =>
    Object.fromEntries([...entries].sort(([one], [other]) => (one < other ? -1 : 1)));
  return {
    there: aws.users.includes(user),
    name: user.userName,
    path: user.path,
    tags: sorted([...user.tags].map(([key, value]) => [key, isDisabledTag(key) ? inOrder(value) : value])),
    boundary: user.boundary,
    console: user.console,
    keys: sorted(user.keys),
    ssh: sorted(user.ssh),
    certificates: sorted(user.certificates),
    services: sorted(user.services),
    attached: [...user.attached].sort(),
    inline: sorted(user.inline),
  };
}

/** What lets somebody in. */
export function usable(user: FakeUser): readonly string[] {
  const active = (among: ReadonlyMap<string, string>): string[] =>
    [...among].filter(([, status]) => status === 'Active').map(([id]) => id);
  return [
    ...(user.console ? ['console'] : []),
    ...active(user.keys),
    ...active(user.ssh),
    ...active(user.certificates),
    ...active(user.services),
  ];
}

/**
 * The part of a controller that these tests need: looks, plans, remembers, does the steps, remembers.
 * Memory outlives a crash; what the process knew of the user does not.
 */
export class Controller {
  readonly aws: FakeAws;
  readonly rules: Rules;
  readonly accessKeys: boolean;
  applied: Applied | undefined;
  /** What the process last saw, in place of the snapshot. */
  known: ObservedUser | undefined;
  /** Asks for a look at the credentials of a disabled user. */
  audit = false;
  /** Whether the status says that the credentials were looked at since the user was disabled. */
  #audited = false;

  constructor(options_: { aws: FakeAws; rules?: Rules; accessKeys?: boolean }) {
    this.aws = options_.aws;
    this.rules = options_.rules ?? rulesWith();
    this.accessKeys = options_.accessKeys ?? true;
  }

  plan(declared: Declared, user: ObservedUser): Plan {
    const named = this.aws.find(declared.userName);
    return planChanges({
      declared,
      owner,
      awsAccount,
      rules: this.rules,
      applied: this.applied,
      user,
      nameTakenBy:
        named === undefined || named.userId === user.userId ? undefined : this.aws.observe(named.userName),
      auditDue: this.audit || !this.#audited,
      now,
    });
  }

  /** One pass, as after a complete reading of the account. */
  async pass(declared: Declared, user: FakeUser): Promise<{ plan: Plan; outcome: ApplyOutcome }> {
    this.known = this.aws.observe(user.userName);
    return this.#act(declared, this.known);
  }

  /** One pass with no new reading: AWS is asked for this user only, which shows no policies. */
  async again(declared: Declared, user: FakeUser): Promise<{ plan: Plan; outcome: ApplyOutcome }> {
    const live = await readUser(this.aws, user.userName, this.known, options);
    if (live === undefined) {
      throw new Error('there is no such user');
    }
    this.known = live;
    return this.#act(declared, live);
  }

  async #act(declared: Declared, user: ObservedUser): Promise<{ plan: Plan; outcome: ApplyOutcome }> {
    const plan = this.plan(declared, user);
    this.applied = plan.before;
    const ledger: UserLedger = {
      record: (newer) => {
        this.known = newer;
      },
      doubt: (newer) => {
        this.known = newer;
      },
      forget: () => {
        this.known = undefined;
      },
    };
    const outcome = await applySteps(this.aws, user, plan.steps, {
      ...options,
      ledger,
      partition: 'aws',
      disableWith: this.rules.disableWith,
      accessKeys: this.accessKeys,
    });
    if (outcome.refused.length === 0) {
      this.applied = plan.after;
    }
    if (outcome.done.includes('disable')) {
      this.#audited = true;
    }
    if (outcome.done.includes('enable')) {
      this.#audited = false;
    }
    return { plan, outcome };
  }

  /** Passes until there is nothing left to do. */
  async converge(declared: Declared, user: FakeUser): Promise<void> {
    for (let round = 0; round < 6; round += 1) {
      const { plan } = await this.pass(declared, user);
      if (plan.steps.length === 0) {
        return;
      }
    }
    throw new Error('it never ends');
  }

  /** A pass that ends after `writes` changes. False where it came to its end before. */
  async passUntil(writes: number, how: FakeAws['crashAs'], act: () => Promise<unknown>): Promise<boolean> {
    this.aws.crashAs = how;
    this.aws.writesUntilCrash = writes;
    try {
      await act();
      return false;
    } catch (error) {
      if (!(error instanceof Crash) && !isAwsError(error, 'unreachable')) {
        throw error;
      }
      return true;
    } finally {
      this.aws.writesUntilCrash = Number.POSITIVE_INFINITY;
    }
  }
}
