import type { CredentialFacts, ObservedUser } from '../../../../src/account/index.ts';
import {
  runReconciliation,
  type Catalogue,
  type Change,
  type EncodedBaseline,
  type KnownUsers,
  type LiveReading,
  type Report,
  type RunOutcome,
  type RunPorts,
  type RunRequest,
  type Snapshot,
} from '../../../../src/reconciliation/index.ts';
import { accountSchema, fold } from '../../../../src/schema/index.ts';
import { observed } from '../../account/material.ts';

export const account = '111122223333';

export function user(userId: string, userName: string, more: Partial<ObservedUser> = {}): ObservedUser {
  return observed({ userId, userName, arn: `arn:aws:iam::${account}:user/${userName}`, ...more });
}

export function snapshotOf(
  users: readonly ObservedUser[],
  more: {
    readonly credentials?: Readonly<Record<string, CredentialFacts>>;
    readonly groups?: readonly string[];
    readonly unread?: Snapshot['unread'];
  } = {},
): Snapshot {
  return {
    takenAt: 0,
    size: users.length,
    calls: 3,
    unread: more.unread ?? new Map<never, string>(),
    groups: () => [],
    users: () => users,
    byId: (id) => users.find(({ userId }) => userId === id),
    byName: (name) => users.find(({ userName }) => fold(userName) === fold(name)),
    byOwner: () => undefined,
    reading: {},
    revision: 0,
    credentialsOf: () => undefined,
    inheritedBy: () => [],
    group: (name) =>
      (more.groups ?? []).some((one) => fold(one) === fold(name))
        ? { id: 'AGPA', group: name, arn: `arn:aws:iam::${account}:group/${name}`, policies: [] }
        : undefined,
    credentials: (id) => more.credentials?.[id],
  };
}

/** A step at which the process dies. */
export class Died extends Error {}

type Read = Awaited<ReturnType<RunPorts['trail']['read']>>;

/** An account, and what is kept of its runs. */
export class RunDesk {
  users: readonly ObservedUser[] = [];
  groups: readonly string[] = [];
  /** Those that the reading before has. */
  earlierGroups: readonly string[] | undefined;
  lastActivity = false;
  unread: Snapshot['unread'] = new Map();
  /** What a listing of its own shows; absent: the same as a whole reading. */
  listed: readonly ObservedUser[] | undefined;
  credentials: Readonly<Record<string, CredentialFacts>> = {};
  catalogue: Catalogue = { groups: [], policies: [] };
  /** Groups that the details of the account do not show. */
  hiddenGroups: readonly string[] = [];
  accountId = account;
  wholeCalls = 3;
  live: LiveReading = { users: [], deleted: [], unknown: [] };
  trail: Read | undefined;
  /** The same, by who is known. */
  follows: ((known: KnownUsers) => Read) | undefined;
  /** Dies before or after this step, once: by its name, or its place among the next ones. */
  dies: { readonly at: string | number; readonly when: 'before' | 'after' } | undefined;
  baseline: EncodedBaseline | undefined;
  readonly reports: Report[] = [];
  readonly steps: string[] = [];
  nowMs = 1_000_000;

  run(more: Partial<RunRequest> = {}): Promise<RunOutcome> {
    return runReconciliation(
      {
        uid: 'run-1',
        mode: 'Full',
        resources: ['Account'],
        filter: undefined,
        users: undefined,
        dryRun: false,
        limits: { count: 10, percent: 5 },
        approval: undefined,
        released: new Set(),
        stopped: { own: false, others: false },
        signal: new AbortController().signal,
        ...more,
      },
      this.#ports(),
    );
  }

  /** What the newest report tells: `Created jo`. */
  told(): readonly string[] {
    return (this.reports.at(-1)?.lines ?? []).map((line) => {
      const { change, name, before, what } = JSON.parse(line) as Change;
      const renamed = before === undefined ? '' : ` (${before})`;
      return `${change} ${name}${renamed}${what === undefined ? '' : ` ${what.join(' ')}`}`;
    });
  }

  #ports(): RunPorts {
    let loaded: EncodedBaseline | undefined;
    const whole = (): Promise<Snapshot> =>
      this.#step('readWhole', () =>
        snapshotOf(this.users, {
          credentials: this.credentials,
          groups: this.groups,
          unread: this.unread,
        }),
      );
    return {
      accountId: this.accountId,
      context: { schema: accountSchema([], '').schema, policyGroup: false, lastActivity: this.lastActivity },
      now: () => this.nowMs,
      readWhole: whole,
      latest: () => snapshotOf(this.users, { groups: this.earlierGroups ?? this.groups }),
      wholeCalls: () => this.wholeCalls,
      listUnder: (prefix) =>
        this.#step('listUnder', () =>
          (this.listed ?? this.users).filter(({ path }) => path.startsWith(prefix)),
        ),
      trail: {
        read: ({ known }) =>
          this.#step(
            'trail',
            () =>
              this.follows?.(known) ??
              this.trail ?? { kind: 'fallback', reason: 'NoBaseline', message: 'none' },
          ),
        readUsers: () => this.#step('readUsers', () => this.live),
      },
      readCatalogue: (snapshot) =>
        this.#step('readCatalogue', () => ({
          ...this.catalogue,
          groups: this.catalogue.groups.filter(
            ({ name }) => snapshot === undefined || !this.hiddenGroups.includes(name),
          ),
        })),
      baselines: {
        load: () => this.#step('load', () => (loaded = this.baseline)),
        commit: (next) =>
          this.#step('commit', () => {
            if (this.baseline !== loaded) {
              throw new Error('another one was committed');
            }
            this.baseline = next;
          }),
      },
      writeReport: (report) =>
        this.#step('writeReport', () => {
          this.reports.push(report);
        }),
      progress: () => undefined,
    };
  }

  async #step<T>(name: string, work: () => T): Promise<T> {
    await Promise.resolve();
    this.steps.push(name);
    const due = this.dies;
    const dies = due?.at === name || due?.at === 0 ? due.when : undefined;
    if (dies !== undefined) {
      this.dies = undefined;
    } else if (typeof due?.at === 'number') {
      this.dies = { at: due.at - 1, when: due.when };
    }
    if (dies === 'before') {
      throw new Died(name);
    }
    const result = work();
    if (dies === 'after') {
      throw new Died(name);
    }
    return result;
  }
}
