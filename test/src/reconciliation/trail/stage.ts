import { createAwsApi, type AwsApi, type CallRecord } from '../../../../src/aws/index.ts';
import { AdaptivePacer, partitionOf, trailPacers } from '../../../../src/connection/index.ts';
import type { Clock } from '../../../../src/ports.ts';
import {
  readAccount,
  SnapshotStore,
  TrailReader,
  type KnownUser,
  type KnownUsers,
  type PartialReading,
  type Snapshot,
  type TrailCursor,
} from '../../../../src/reconciliation/index.ts';
import { fold } from '../../../../src/schema/index.ts';
import { bench, type Bench } from '../../../simulator/harness.ts';
import type { SimulatorOptions } from '../../../simulator/index.ts';

export const { signal } = new AbortController();
export const minute = 60_000;
export const day = 86_400_000;

/** Time that passes when somebody sleeps, and when it is told to; AWS goes by it as well. */
export class VirtualTime implements Clock {
  #ms = Date.UTC(2026, 0, 1, 10);

  readonly now = (): number => this.#ms;

  readonly monotonic = (): number => this.#ms;

  readonly advance = (ms: number): void => {
    this.#ms += ms;
  };

  readonly sleep = (ms: number, until?: AbortSignal): Promise<void> => {
    until?.throwIfAborted();
    this.#ms += ms;
    return Promise.resolve();
  };
}

/** An AWS account behind the connector's own client, in virtual time. */
export interface Stage extends Bench {
  readonly clock: VirtualTime;
  readonly api: AwsApi;
  readonly records: CallRecord[];
  /** Asked before each call of the connector: what it answers is the answer, what it throws is thrown. */
  readonly hook: { before: (operation: string) => object | undefined };
  readonly snapshots: SnapshotStore;
  /** A reader with the settings of a connection. */
  reader(this: void, settings?: ReaderSettings): TrailReader;
  /** How often an operation was called by the connector. */
  count(this: void, operation: string): number;
}

export interface ReaderSettings {
  readonly cloudTrailRegion?: string;
  readonly region?: string;
  readonly policyGroup?: boolean;
  readonly passwordLastUsed?: boolean;
  /** The account was never read. */
  readonly unread?: boolean;
  /** What a whole reading is said to cost; default so much that it does not pay. */
  readonly wholeCalls?: number;
}

export async function stage(
  options: SimulatorOptions = {},
  regions: { readonly region?: string; readonly cloudTrailRegion?: string } = {},
): Promise<Stage> {
  const clock = new VirtualTime();
  const made = await bench({ ...options, now: clock.now });
  const { url, accounts } = made.simulator;
  const [credentials] = accounts;
  if (credentials === undefined) {
    throw new Error('the simulator has no account');
  }
  const { accessKeyId, secretAccessKey } = credentials;
  const records: CallRecord[] = [];
  const region = regions.region ?? 'us-east-1';
  const client = createAwsApi({
    credentials: { accessKeyId, secretAccessKey },
    region,
    cloudTrailRegion: regions.cloudTrailRegion ?? partitionOf(region).homeRegion,
    endpoints: { iam: url, sts: url, cloudtrail: url },
    pacer: new AdaptivePacer({ clock, startRate: 100_000, maxRate: 100_000 }),
    trailPacer: trailPacers(clock).under(() => made.account),
    clock,
    random: () => 0.5,
    observe: (record) => records.push(record),
    fence: () => 'the reconciliation never writes',
  });
  // The simulator signs its answers with the real time; here both go by the same clock.
  const hook: Stage['hook'] = { before: () => undefined };
  const api: AwsApi = {
    call: async (operation, input, call) =>
      (hook.before(operation) as never) ?? client.call(operation, input, call),
    close: () => client.close(),
    skewMs: 0,
  };
  const snapshots = new SnapshotStore({
    clock,
    read: (until) =>
      readAccount(api, {
        signal: until,
        pageSize: 1_000,
        passwordLastUsed: true,
        caller: { accountId: made.account, userId: undefined },
        clock,
      }),
  });
  return {
    ...made,
    clock,
    api,
    records,
    hook,
    snapshots,
    count: (operation) => records.filter((record) => record.operation === operation).length,
    reader: (settings = {}) =>
      new TrailReader({
        api,
        clock,
        region: {
          cloudTrail: settings.cloudTrailRegion ?? partitionOf(region).homeRegion,
          home: partitionOf(settings.region ?? region).homeRegion,
        },
        pageSize: 1_000,
        passwordLastUsed: settings.passwordLastUsed ?? false,
        policyGroup: settings.policyGroup ?? false,
        snapshot: () => (settings.unread === true ? undefined : snapshots.current),
        readWhole: async (until) => {
          await snapshots.refresh(until);
          return snapshots.current as Snapshot;
        },
        wholeCalls: () => settings.wholeCalls ?? 10_000,
      }),
  };
}

export function knownUsers(users: readonly KnownUser[]): KnownUsers {
  return {
    size: users.length,
    byId: (userId) => users.find((user) => user.userId === userId),
    byName: (name) => users.find(({ userName }) => fold(userName) === fold(name)),
  };
}

/** Everybody who is there now, as it would be known after a run. */
export async function everybody({ control }: Stage): Promise<KnownUsers> {
  const { users } = await control.account();
  return knownUsers(users.map(({ userId, userName }) => ({ userId, userName })));
}

/** A connection that has just been reconciled: what is known, and the cursor of its last run. */
export interface Run {
  readonly known: KnownUsers;
  readonly cursor: TrailCursor;
}

/** Three users, reconciled an hour after they were made. */
export async function reconciled(
  options: SimulatorOptions = {},
  users: readonly string[] = ['jo', 'sam', 'kim'],
): Promise<Stage & { readonly before: Run }> {
  const made = await stage(options);
  for (const UserName of users) {
    await made.iam.createUser({ UserName });
  }
  made.clock.advance(60 * minute);
  await made.snapshots.refresh(signal);
  const before = { known: await everybody(made), cursor: { at: made.clock.now(), seen: [] } };
  made.clock.advance(minute);
  made.records.length = 0;
  return { ...made, before };
}

export async function run(made: Stage, from: Run, settings: ReaderSettings = {}) {
  made.records.length = 0;
  const request = { ...from, until: made.clock.now(), signal };
  return made.reader(settings).read(request);
}

export type Reading = Awaited<ReturnType<TrailReader['read']>>;

export function partial(reading: Reading): PartialReading {
  if (reading.kind !== 'users') {
    throw new Error(`the reading is ${JSON.stringify(reading)}`);
  }
  return reading;
}

export const names = (reading: Reading): readonly string[] =>
  partial(reading)
    .users.map(({ user }) => user.userName)
    .sort();

/** What was read beside CloudTrail. */
export const iamCalls = ({ records }: Stage): readonly string[] =>
  records.filter(({ service }) => service === 'iam').map(({ operation }) => operation);
