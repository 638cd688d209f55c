import {
  CredentialReports,
  readAccount,
  runReconciliation,
  SnapshotStore,
  TrailReader,
  type Change,
  type EncodedBaseline,
  type RunOutcome,
  type RunPorts,
  type RunRequest,
} from '../../../../src/reconciliation/index.ts';
import { pages, type AwsApi } from '../../../../src/aws/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import { signal, type Stage } from '../trail/stage.ts';
import type { Dice } from './dice.ts';

/** The process that ran is no more. */
export class Killed extends Error {}

/** What outlives a process: what is known, and what was reported. */
export class Cluster {
  baseline: EncodedBaseline | undefined;
  readonly reports = new Map<string, readonly Change[]>();
  readonly committed: string[] = [];
}

interface ProcessOptions {
  readonly stage: Stage;
  readonly cluster: Cluster;
  readonly dice: Dice;
  /** It dies at this step; never, if undefined. */
  readonly diesAt: number | undefined;
  /** What a whole reading is said to cost: it decides whether users are read one by one. */
  readonly wholeCalls: number;
  /** What others do between two calls of it. */
  readonly meanwhile: () => Promise<void>;
}

/** One process of the operator, from its start to its end. */
export class Process {
  readonly #options: ProcessOptions;
  readonly #api: AwsApi;
  readonly #snapshots: SnapshotStore;
  readonly #trail: TrailReader;
  #left: number;
  #dead = false;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#left = options.diesAt ?? Number.POSITIVE_INFINITY;
    const { clock, api } = options.stage;
    this.#api = {
      call: async (operation, input, call) => {
        await options.meanwhile();
        this.#step();
        return api.call(operation, input, call);
      },
      close: () => undefined,
      skewMs: 0,
    };
    const reports = new CredentialReports({ clock });
    this.#snapshots = new SnapshotStore({
      clock,
      read: (until) =>
        readAccount(this.#api, {
          signal: until,
          pageSize: 40,
          passwordLastUsed: false,
          caller: { accountId: options.stage.account, userId: undefined },
          clock,
          reports,
        }),
    });
    this.#trail = new TrailReader({
      api: this.#api,
      clock,
      region: { cloudTrail: 'us-east-1', home: 'us-east-1' },
      pageSize: 40,
      passwordLastUsed: false,
      policyGroup: true,
      snapshot: () => this.#snapshots.current,
      readWhole: (until) => this.#snapshots.takeNew(until),
      wholeCalls: () => options.wholeCalls,
    });
  }

  /** Reads the account, as the operator does when it begins, and again every ten minutes. */
  async begin(): Promise<void> {
    await this.#snapshots.refresh(signal);
  }

  run(request: Pick<RunRequest, 'uid' | 'mode' | 'approval'>): Promise<RunOutcome> {
    const rest = { resources: ['Account'], filter: undefined, users: undefined, dryRun: false } as const;
    const limits = { count: 10, percent: 5 };
    return runReconciliation(
      { ...rest, ...request, limits, released: new Set(), stopped: { own: false, others: false }, signal },
      this.#ports(request.uid),
    );
  }

  #ports(uid: string): RunPorts {
    const { cluster, dice, stage, wholeCalls } = this.#options;
    /** What is done may be done although the process dies of it. */
    const write = async (work: () => void): Promise<void> => {
      const late = dice.once(2);
      if (!late) {
        this.#step();
      }
      work();
      if (late) {
        this.#step();
      }
      return Promise.resolve();
    };
    return {
      accountId: stage.account,
      context: { schema: accountSchema([], '').schema, policyGroup: true, lastActivity: false },
      now: () => stage.clock.now(),
      readWhole: (until) => this.#snapshots.takeNew(until),
      latest: () => this.#snapshots.current,
      wholeCalls: () => wholeCalls,
      listUnder: async (prefix, until) => {
        const users: { userId: string; userName: string }[] = [];
        const call = { signal: until };
        for await (const page of pages(this.#api, 'ListUsers', { PathPrefix: prefix }, call)) {
          for (const { UserId: userId = '', UserName: userName = '' } of page.Users ?? []) {
            users.push({ userId, userName });
          }
        }
        return users;
      },
      trail: this.#trail,
      readCatalogue: () => Promise.reject(new Error('nobody asked for entitlements')),
      baselines: {
        load: () => {
          this.#step();
          return Promise.resolve(cluster.baseline);
        },
        commit: (next) =>
          write(() => {
            cluster.baseline = next;
            cluster.committed.push(uid);
          }),
      },
      writeReport: ({ lines }) =>
        write(() => {
          cluster.reports.set(
            uid,
            lines.map((line) => JSON.parse(line) as Change),
          );
        }),
      progress: () => undefined,
    };
  }

  #step(): void {
    this.#left -= 1;
    if (this.#dead || this.#left < 0) {
      this.#dead = true;
      throw new Killed('the process was killed');
    }
  }
}
