import { expect, test } from '@jest/globals';
import type { AwsConnection, AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import { eventually } from '../support/process.ts';
import { event, events, patch, worldFor } from './support.ts';

const world = worldFor('scheduling');
const memoryOn = 'aws.idhub.io/last-schedule';
const timeOn = 'aws.idhub.io/scheduled-at';
const dayMs = 86_400_000;

/** A time of each day, so many minutes ago, and when it was last. */
function daily(minutesAgo: number): { readonly schedule: string; readonly at: string } {
  const at = new Date(Math.floor(Date.now() / 60_000) * 60_000 - minutesAgo * 60_000);
  return { schedule: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`, at: at.toISOString() };
}

const iso = (text: string | undefined): string => new Date(text ?? '').toISOString();

async function runs(): Promise<AwsReconciliation[]> {
  const text = await world().kubectl(['get', 'awsreconciliation', '-n', 'scheduling', '-o', 'json']);
  return (JSON.parse(text) as { items: AwsReconciliation[] }).items;
}

/** The time that a run was made for; undefined for one that was made by hand. */
const timeOf = ({ metadata }: AwsReconciliation): string | undefined => {
  const text = metadata.annotations?.[timeOn];
  return text === undefined ? undefined : iso(text);
};

/** Waits for a run that was made for this time. */
async function runFor(at: string): Promise<AwsReconciliation> {
  return eventually(async () => (await runs()).find((run) => timeOf(run) === at), {
    withinMs: 20_000,
    everyMs: 100,
    what: `a run for ${at}`,
  });
}

async function complete(at: string): Promise<AwsReconciliation> {
  const { metadata } = await runFor(at);
  await world().until('awsreconciliation', metadata.name, { type: 'Complete', status: 'True' });
  return world().run(metadata.name);
}

interface Memory {
  readonly since: string;
  readonly last?: string;
}

function memoryOf({ metadata }: AwsConnection): Memory | undefined {
  const text = metadata.annotations?.[memoryOn];
  return text === undefined ? undefined : (JSON.parse(text) as Memory);
}

/** Waits until what is remembered is this. */
async function remembered(is: (memory: Memory) => boolean): Promise<Memory> {
  return eventually(
    async () => {
      const memory = memoryOf(await world().connection());
      return memory !== undefined && is(memory) ? memory : undefined;
    },
    { withinMs: 20_000, everyMs: 100, what: 'what is remembered of the schedule' },
  );
}

/**
 * The operator was away for three days, with this schedule, and is back.
 * @param text of the timetable, as the operator remembers it
 */
async function backAfterThreeDays(reconciliation: object, text: string): Promise<void> {
  world().operator.kill('SIGKILL');
  await world().operator.exited;
  const memory = {
    of: 'scheduling/aws',
    timetable: text,
    since: new Date(Date.now() - 3 * dayMs).toISOString(),
  };
  await patch(
    world(),
    'aws',
    { metadata: { annotations: { [memoryOn]: JSON.stringify(memory) } }, spec: { reconciliation } },
    'awsconnection',
  );
  await world().startOperator();
}

/** Readings of the account do not come to an end, and so no run does, until the faults are taken away. */
async function hang(): Promise<void> {
  const operation = 'GetAccountAuthorizationDetails';
  await world().simulator.fault({ operation, latencyMs: 60_000, times: -1 });
}

/** What is under way would wait on; a process that is new asks again. */
async function release(): Promise<void> {
  await world().simulator.clearFaults();
  await world().restartOperator();
}

const condition = async (status: string, reason: string): Promise<string> =>
  (await world().until('awsconnection', 'aws', { type: 'ReconciliationSchedule', status, reason })).message;

test('a schedule begins with the present: nothing is made up for, and kubectl shows what comes next', async () => {
  const { schedule } = daily(30);
  await patch(world(), 'aws', { spec: { reconciliation: { schedule } } }, 'awsconnection');
  expect(await condition('True', 'Scheduled')).toContain(schedule);
  const { since, last } = await remembered(() => true);
  expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(60_000);
  expect(last).toBeUndefined();
  const next = await eventually(
    async () => (await world().connection()).status?.reconciliation?.nextScheduleTime,
    { what: 'nextScheduleTime' },
  );
  const comesInMs = Date.parse(next) - Date.now();
  expect(comesInMs).toBeGreaterThan(dayMs - 40 * 60_000);
  expect(comesInMs).toBeLessThan(dayMs);
  expect(await runs()).toEqual([]);
});

test('after three days without the operator the latest time is made up for, once, also when it is killed again', async () => {
  const { schedule, at } = daily(25);
  const [minute, hour] = schedule.split(' ').map(Number);
  // The same time on the clocks of India, by the name that IDHub has for it.
  const minutes = ((hour ?? 0) * 60 + (minute ?? 0) + 330) % 1_440;
  const there = `${minutes % 60} ${Math.floor(minutes / 60)} * * *`;
  await backAfterThreeDays(
    { schedule: there, timeZone: 'IST', resources: ['Account'] },
    `cron ${there} Asia/Kolkata`,
  );
  const run = await complete(at);
  const { metadata, spec } = run;
  const connection = await world().connection();
  expect(metadata.annotations?.[timeOn]).toMatch(/\+05:30$/);
  expect(metadata.labels).toMatchObject({ 'aws.idhub.io/connection': 'aws' });
  expect(metadata.ownerReferences).toEqual([
    expect.objectContaining({ kind: 'AwsConnection', uid: connection.metadata.uid, controller: true }),
  ]);
  expect(spec).toEqual({ connectionRef: { name: 'aws' }, resources: ['Account'] });
  await remembered(({ last }) => last !== undefined && iso(last) === at);
  expect((await event(world(), 'aws', 'RunMade')).message).toContain(metadata.name);
  const said = await eventually(
    async () => {
      const { status } = await world().connection();
      const { active, lastSuccessfulTime } = status?.reconciliation ?? {};
      return active === undefined && lastSuccessfulTime !== undefined ? status?.reconciliation : undefined;
    },
    { what: 'the run in the status of the connection' },
  );
  expect(iso(said.lastScheduleTime)).toBe(at);

  // Killed after the run was made, and before that was noted.
  await backAfterThreeDays({}, `cron ${there} Asia/Kolkata`);
  await remembered(({ last }) => last !== undefined && iso(last) === at);
  expect((await runs()).map((each) => each.metadata.uid)).toEqual([metadata.uid]);
});

test('a time that is longer ago than the deadline allows is missed, and that is said', async () => {
  const { schedule } = daily(20);
  const before = (await runs()).length;
  await backAfterThreeDays({ schedule, timeZone: null, startingDeadlineSeconds: 60 }, `cron ${schedule} UTC`);
  const { since } = await remembered((memory) => Date.parse(memory.since) > Date.now() - dayMs);
  expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(60_000);
  expect((await event(world(), 'aws', 'RunMissed')).type).toBe('Warning');
  expect(await runs()).toHaveLength(before);
  expect(await world().metrics()).toMatch(/^idhub_scheduled_runs_total\{outcome="missed"\} 1$/m);
});

test('Forbid waits for the end of the run before, Allow makes another one beside it, Replace deletes both', async () => {
  const [first, second, third, fourth] = [daily(19), daily(18), daily(17), daily(16)];
  const unlimited = { startingDeadlineSeconds: null };
  await hang();
  await backAfterThreeDays({ ...unlimited, schedule: first.schedule }, `cron ${first.schedule} UTC`);
  const one = await runFor(first.at);

  await backAfterThreeDays({ schedule: second.schedule }, `cron ${second.schedule} UTC`);
  expect((await event(world(), 'aws', 'RunHeld')).message).toContain(one.metadata.name);
  expect((await runs()).map(timeOf)).not.toContain(second.at);
  await release();
  await complete(first.at);
  await complete(second.at);

  await hang();
  await backAfterThreeDays({ schedule: third.schedule }, `cron ${third.schedule} UTC`);
  await runFor(third.at);
  await backAfterThreeDays(
    { schedule: fourth.schedule, concurrencyPolicy: 'Allow' },
    `cron ${fourth.schedule} UTC`,
  );
  await runFor(fourth.at);
  expect((await runs()).map(timeOf)).toContain(third.at);

  const last = daily(15);
  await backAfterThreeDays(
    { schedule: last.schedule, concurrencyPolicy: 'Replace' },
    `cron ${last.schedule} UTC`,
  );
  await runFor(last.at);
  expect((await events(world(), 'aws')).filter(({ reason }) => reason === 'RunReplaced')).toHaveLength(2);
  expect((await runs()).map(timeOf)).not.toContain(third.at);
  expect((await runs()).map(timeOf)).not.toContain(fourth.at);
  await release();
  await complete(last.at);
});

test('historyLimit: the oldest ended runs of the schedule go, and none that was made by hand', async () => {
  await world().apply(world().runManifest('by-hand', { resources: ['Account'] }));
  await world().until('awsreconciliation', 'by-hand', { type: 'Complete', status: 'True' });
  const ended = (await runs()).filter((run) => timeOf(run) !== undefined);
  expect(ended.length).toBeGreaterThan(2);
  const [newest] = ended.map((run) => timeOf(run) ?? '').toSorted((one, other) => (one < other ? 1 : -1));
  await patch(world(), 'aws', { spec: { reconciliation: { historyLimit: 1 } } }, 'awsconnection');
  await eventually(async () => ((await runs()).length === 2 ? true : undefined), {
    withinMs: 20_000,
    everyMs: 100,
    what: 'one run of the schedule, and the one by hand',
  });
  expect((await runs()).map((run) => timeOf(run) ?? run.metadata.name).toSorted()).toEqual([
    newest,
    'by-hand',
  ]);
});

test('an interval begins soon, and what three days have missed is one run', async () => {
  // A run that is there for a later time would count for what was missed before it.
  await world().kubectl(['delete', 'awsreconciliation', '--all', '-n', 'scheduling']);
  await backAfterThreeDays(
    { schedule: null, interval: '1h', concurrencyPolicy: null, historyLimit: null },
    'every 1h',
  );
  await condition('True', 'Scheduled');
  const { last } = await remembered((memory) => memory.last !== undefined);
  const run = await complete(iso(last));
  expect((await runs()).map(({ metadata }) => metadata.name)).toEqual([run.metadata.name]);
  const agoMs = Date.now() - Date.parse(iso(last));
  expect(agoMs).toBeGreaterThanOrEqual(0);
  expect(agoMs).toBeLessThan(3_600_000 + 60_000);
  const next = await eventually(
    async () => (await world().connection()).status?.reconciliation?.nextScheduleTime,
    { what: 'nextScheduleTime' },
  );
  const comesInMs = Date.parse(next) - Date.now();
  expect(comesInMs).toBeGreaterThan(3_600_000 * 0.9 - 60_000);
  expect(comesInMs).toBeLessThan(3_600_000 * 1.1 + 1_000);
});

test('a schedule that is wrong is said to be, and stops nothing but itself', async () => {
  const before = (await runs()).length;
  const wrong = { schedule: '0 2 * *', interval: null };
  await patch(world(), 'aws', { spec: { reconciliation: wrong } }, 'awsconnection');
  expect(await condition('False', 'InvalidSchedule')).toContain('4 fields in place of five');
  await world().until('awsconnection', 'aws', { status: 'True' });
  expect((await world().connection()).status?.reconciliation?.nextScheduleTime).toBeUndefined();
  const { schedule } = daily(14);
  const elsewhere = { schedule, timeZone: 'Europe/Bonn' };
  await patch(world(), 'aws', { spec: { reconciliation: elsewhere } }, 'awsconnection');
  expect(await condition('False', 'InvalidTimeZone')).toContain('Europe/Bonn');
  const nobody = { timeZone: null, filter: 'shoeSize eq "44"' };
  await patch(world(), 'aws', { spec: { reconciliation: nobody } }, 'awsconnection');
  expect(await condition('False', 'InvalidFilter')).toContain('shoeSize');
  await world().until('awsconnection', 'aws', { status: 'True' });
  await patch(world(), 'aws', { spec: { reconciliation: { filter: null, suspend: true } } }, 'awsconnection');
  await condition('False', 'Suspended');
  await patch(world(), 'aws', { spec: { reconciliation: { suspend: null } } }, 'awsconnection');
  await condition('True', 'Scheduled');
  expect(await runs()).toHaveLength(before);
});

test('without a schedule there is nothing of it left but its runs', async () => {
  const before = (await runs()).map(({ metadata }) => metadata.name);
  await patch(world(), 'aws', { spec: { reconciliation: null } }, 'awsconnection');
  await eventually(
    async () => {
      const { metadata, status } = await world().connection();
      return metadata.annotations?.[memoryOn] === undefined &&
        status?.reconciliation === undefined &&
        status?.conditions?.every(({ type }) => type !== 'ReconciliationSchedule') === true
        ? true
        : undefined;
    },
    { what: 'nothing of the schedule on the connection' },
  );
  expect((await runs()).map(({ metadata }) => metadata.name)).toEqual(before);
  expect(world().operator.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
