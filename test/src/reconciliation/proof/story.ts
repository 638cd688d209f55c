import { IncompleteReadingError } from '../../../../src/reconciliation/index.ts';
import { isAwsError } from '../../../../src/aws/index.ts';
import { policyDocument } from '../../../simulator/harness.ts';
import { minute, stage, type Stage } from '../trail/stage.ts';
import { changes, type Hands } from './changes.ts';
import { Dice } from './dice.ts';
import { History, Ledger } from './ledger.ts';
import { Cluster, Killed, Process } from './rig.ts';

export interface StoryOptions {
  readonly seed: number;
  /** Changes behind the product's back. */
  readonly changes: number;
  readonly users: number;
}

/** What came of it. */
export interface Story {
  readonly complaints: readonly string[];
  readonly changes: number;
  readonly reported: number;
  readonly runs: number;
  /** Runs that read single users, by events alone. */
  readonly partial: number;
  readonly kills: number;
  readonly faults: number;
  /** Changes that the last full run still found. */
  readonly late: number;
  readonly done: Readonly<Record<string, number>>;
}

const hour = 60 * minute;

/** An AWS account that others change all the time, and runs that follow it under every kind of fault. */
export class Teller {
  readonly #options: StoryOptions;
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #history = new History();
  readonly #ledger = new Ledger(this.#history);
  readonly #cluster = new Cluster();
  readonly #done: Record<string, number> = {};
  #names = 0;
  #runs = 0;
  #partial = 0;
  #kinds: readonly string[] = Object.keys(changes);
  #kills = 0;
  #faults = 0;
  #changed = 0;
  #busy = false;
  #quiet = false;

  private constructor(options: StoryOptions, made: Stage) {
    this.#options = options;
    this.#stage = made;
    this.#dice = new Dice(options.seed);
  }

  static async tell(options: StoryOptions): Promise<Story> {
    const made = await stage({
      seed: options.seed,
      shortPages: true,
      cloudTrail: { delayMs: 9 * minute, shuffle: true },
      consistencyDelayMs: 4_000,
    });
    return new Teller(options, made).#tell();
  }

  async #tell(): Promise<Story> {
    const { clock, control } = this.#stage;
    await this.#prepare();
    await this.#run('Full');
    while (this.#changed < this.#options.changes) {
      const batch = 1 + this.#dice.below(25);
      // A group that changes has the whole account read: that is not to hide how single users are followed.
      const all = Object.keys(changes);
      this.#kinds = this.#dice.once(4) ? all : all.filter((kind) => !/group/.test(kind));
      for (let index = 0; index < batch; index += 1) {
        await this.#change();
        clock.advance(this.#dice.below(2 * minute));
      }
      clock.advance(this.#dice.below(this.#dice.once(4) ? 3 * hour : 20 * minute));
      await this.#disturb();
      await this.#run(this.#dice.once(8) ? 'Full' : 'Incremental');
    }
    this.#quiet = true;
    await control.clearFaults();
    // Everything has arrived by now, and runs by events alone have seen it all.
    clock.advance(hour);
    await this.#run('Incremental');
    this.#ledger.compare('after the last incremental run', await control.account());
    clock.advance(9 * hour);
    const before = this.#ledger.count;
    await this.#run('Full');
    this.#ledger.compare('after the last full run', await control.account());
    return {
      complaints: this.#ledger.complaints,
      changes: this.#changed,
      reported: this.#ledger.count,
      late: this.#ledger.count - before,
      runs: this.#runs,
      partial: this.#partial,
      kills: this.#kills,
      faults: this.#faults,
      done: this.#done,
    };
  }

  async #prepare(): Promise<void> {
    const { iam, clock } = this.#stage;
    for (let index = 1; index <= this.#options.users; index += 1) {
      await iam.createUser({ UserName: `first-${index}` });
      clock.advance(1_000);
    }
    for (let index = 1; index <= 4; index += 1) {
      await iam.createGroup({ GroupName: `team-${index}` });
      const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:Get*', Resource: '*' });
      await iam.createPolicy({ PolicyName: `policy-${index}`, PolicyDocument });
    }
    clock.advance(2 * hour);
    await this.#note();
  }

  async #note(): Promise<void> {
    this.#history.note(await this.#stage.control.account());
  }

  /** One change of a random kind, watched call by call. */
  async #change(): Promise<void> {
    const { control, iam, simulator, clock } = this.#stage;
    const account = await control.account();
    const watched = new Proxy(iam, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function'
          ? async (...args: unknown[]): Promise<unknown> => {
              try {
                return await (Reflect.apply(member, target, args) as Promise<unknown>);
              } finally {
                await this.#note();
                // The credential report tells users of one name apart by the second in which they were made.
                clock.advance(1_000 + this.#dice.below(1_500));
              }
            }
          : member;
      },
    });
    const hands: Hands = {
      iam: watched,
      dice: this.#dice,
      account,
      users: account.users.filter(({ userName }) => userName !== simulator.accounts[0]?.adminUserName),
      fresh: (what) => {
        this.#names += 1;
        return `${what}-${this.#names}`;
      },
      refuse: async (operation) => {
        await control.fault({ operation, error: { code: 'AccessDenied' } });
      },
    };
    const kind = this.#dice.of(this.#kinds);
    this.#done[kind] = (this.#done[kind] ?? 0) + 1;
    this.#changed += 1;
    try {
      await changes[kind]?.(hands);
    } catch (error) {
      const { name } = error as Error;
      // Quotas, and the same thing twice.
      if (!['LimitExceededException', 'EntityAlreadyExistsException'].includes(name)) {
        throw new Error(`${kind}: ${String(error)}`, { cause: error });
      }
    }
  }

  /** The faults that the next run meets. */
  async #disturb(): Promise<void> {
    const { control } = this.#stage;
    const dice = this.#dice;
    await control.clearFaults();
    const accessKeyId = this.#stage.simulator.accounts[0]?.accessKeyId ?? '';
    const often = (inSoMany: number) => ({
      accessKeyId,
      kind: 'read' as const,
      times: -1,
      probability: 1 / inSoMany,
      seed: dice.below(1_000_000),
    });
    await control.fault(
      { ...often(10), error: { code: 'Throttling' } },
      { ...often(40), error: { code: 'ServiceFailure', status: 500 } },
      { ...often(60), drop: 'before' },
      { ...often(5), operation: 'LookupEvents', error: { code: 'ThrottlingException' } },
      { ...often(25), operation: 'LookupEvents', error: { code: 'InvalidNextTokenException' } },
    );
    if (dice.once(4)) {
      const account = await control.account();
      const error = { code: 'ServiceFailure', status: 500 };
      await control.fault({ user: dice.of(account.users).userName, kind: 'read', error, times: -1 });
    }
  }

  /** A run until it is done, however often its process dies. */
  async #run(mode: 'Full' | 'Incremental'): Promise<void> {
    const { clock, control } = this.#stage;
    this.#runs += 1;
    const uid = `run-${this.#runs}`;
    let approval: string | undefined;
    for (let attempt = 1; ; attempt += 1) {
      if (attempt > 60) {
        throw new Error(`${uid} (${mode}) does not come to an end`);
      }
      if (attempt > 20) {
        await control.clearFaults();
      }
      const diesAt = !this.#quiet && attempt < 10 && this.#dice.once(2) ? this.#dice.below(40) : undefined;
      const process = new Process({
        stage: this.#stage,
        cluster: this.#cluster,
        dice: this.#dice,
        diesAt,
        wholeCalls: this.#quiet ? 10_000 : this.#dice.of([0, 12, 10_000, 10_000, 10_000]),
        meanwhile: () => this.#meanwhile(),
      });
      try {
        if (!this.#dice.once(5)) {
          await process.begin();
        }
        const outcome = await process.run({ uid, mode, approval });
        if (outcome.kind === 'complete') {
          const { mode: read, whole } = outcome.summary;
          this.#partial += read === 'Incremental' && !whole ? 1 : 0;
          break;
        }
        if (outcome.kind === 'otherAccount') {
          throw new Error('another account');
        }
        approval = outcome.token;
      } catch (error) {
        if (error instanceof Killed) {
          this.#kills += 1;
        } else if (isAwsError(error) || error instanceof IncompleteReadingError) {
          this.#faults += 1;
        } else {
          throw error;
        }
        clock.advance(this.#dice.below(3 * minute));
      }
    }
    const times = this.#cluster.committed.filter((one) => one === uid).length;
    if (times !== 1) {
      this.#ledger.complaints.push(`${uid} was committed ${times} times`);
    }
    this.#ledger.hear(uid, this.#cluster.reports.get(uid) ?? []);
  }

  /** Others do not wait for a run to end. */
  async #meanwhile(): Promise<void> {
    if (!this.#quiet && !this.#busy && this.#dice.once(60)) {
      this.#busy = true;
      await this.#change();
      this.#busy = false;
    }
  }
}
