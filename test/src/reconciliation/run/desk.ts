import type { CredentialFacts, ObservedUser } from '../../../../src/account/index.ts';
import {
  runReconciliation,
  type Catalogue,
  type Change,
  type EncodedBaseline,
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
  } = {},
): Snapshot {
  return {
    takenAt: 0,
    size: users.length,
    calls: 3,
    unread: new Map(),
    groups: () => [],
    users: () => users,
    byId: (id) => users.find(({ userId }) => userId === id),
    byName: (name) => users.find(({ userName }) => fold(userName) === fold(name)),
    byOwner: () => undefined,
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
  /** What a listing of its own shows; absent: the same as a whole reading. */
  listed: readonly ObservedUser[] | undefined;
  credentials: Readonly<Record<string, CredentialFacts>> = {};
  catalogue: Catalogue = { groups: [], policies: [] };
  accountId = account;
  wholeCalls = 3;
  live: LiveReading = { users: [], deleted: [], unknown: [] };
  trail: Read | undefined;
  /** Dies before or after this step, once. */
  dies: { readonly at: string; readonly when: 'before' | 'after' } | undefined;
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
    const whole = (): Promise<Snapshot> =>
      this.#step('readWhole', () =>
        snapshotOf(this.users, { credentials: this.credentials, groups: this.groups }),
      );
    return {
      accountId: this.accountId,
      context: { schema: accountSchema([], '').schema, policyGroup: false, lastActivity: false },
      now: () => this.nowMs,
      readWhole: whole,
      latest: () => snapshotOf(this.users, { groups: this.groups }),
      wholeCalls: () => this.wholeCalls,
      listUnder: (prefix) =>
        this.#step('listUnder', () =>
          (this.listed ?? this.users).filter(({ path }) => path.startsWith(prefix)),
        ),
      trail: {
        read: () =>
          this.#step(
            'trail',
            () => this.trail ?? { kind: 'fallback', reason: 'NoBaseline', message: 'none' },
          ),
        readUsers: () => this.#step('readUsers', () => this.live),
      },
      readCatalogue: () => this.#step('readCatalogue', () => this.catalogue),
      baselines: {
        load: () => this.#step('load', () => this.baseline),
        commit: (next) =>
          this.#step('commit', () => {
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
    const dies = this.dies?.at === name ? this.dies.when : undefined;
    if (dies !== undefined) {
      this.dies = undefined;
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
