import { CreateAccessKeyCommand, CreateLoginProfileCommand } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { SimulatedAccount } from '../simulator/index.ts';
import { heapOf, inspectable, socketsTo } from '../support/inspected.ts';
import { eventually, startProcess } from '../support/process.ts';
import { patch, settled, user, worldFor } from './support.ts';
import {
  communicationUser,
  connectionManifest,
  iamClient,
  makeCommunicationUser,
  secretManifest,
} from './world.ts';

/** The quota of an account less those who are made here, the communication user and the administrator. */
const users = 4_990;
/** What the product lets out at once (src/connection/pacer.ts), and keeps open (src/aws/api.ts). */
const maxInFlight = 10;
const maxSockets = 16;
const mebibyte = 2 ** 20;

const world = worldFor('throttling', {
  simulator: [`--users=${users}`],
  operator: ['--snapshot-interval=1h'],
  node: [inspectable],
});
const port = (): number => Number(new URL(world().simulatorUrl).port);

test('C23: AWS lets 10 calls a second through: 5,000 users are reconciled in small pages, and who is disabled meanwhile does not wait', async () => {
  const { iam, simulator } = world();
  await world().apply(world().accountManifest('leaver', { userName: 'leaver' }));
  await settled(world(), 'leaver');
  await iam.send(new CreateLoginProfileCommand({ UserName: 'leaver', Password: 'Made-up-for-a-Leaver-1' }));
  await iam.send(new CreateAccessKeyCommand({ UserName: 'leaver' }));
  // The page size of the guide: four hundred calls.
  await patch(world(), 'aws', { spec: { settings: { pageSize: 25 } } }, 'awsconnection');
  await world().until('awsconnection', 'aws', { status: 'True' });
  const base = await heapOf(world().operator);
  await simulator.configure({ rateLimit: { perSecond: 10, burst: 10 } });
  await simulator.resetCalls();

  await world().apply(world().runManifest('all', { resources: ['Account'] }));
  await eventually(async () => ((await simulator.calls()).total > 60 ? true : undefined), {
    withinMs: 60_000,
    what: 'a run in the middle of its reading',
  });
  await patch(world(), 'leaver', { spec: { enabled: false } });
  await eventually(
    async () => {
      const { accessKeys, hasLoginProfile, inlinePolicies } = await user(world(), 'leaver');
      const open = accessKeys.some(({ status }) => status === 'Active') || hasLoginProfile;
      return open || inlinePolicies['IDHubDisabled'] === undefined ? undefined : true;
    },
    { withinMs: 10_000, what: 'the leaver to be shut out' },
  );
  expect((await world().run('all')).status?.finishedAt).toBeUndefined();

  let sockets = 0;
  let heap = 0;
  const ended = (name: string): Promise<true> =>
    eventually(
      async () => {
        sockets = Math.max(sockets, await socketsTo(world().operator.pid, port()));
        heap = Math.max(heap, await heapOf(world().operator));
        const { status } = await world().run(name);
        return (
          status?.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True') ||
          undefined
        );
      },
      { withinMs: 120_000, everyMs: 500, what: `the run ${name} to be complete` },
    );
  await ended('all');
  expect((await world().run('all')).status?.counts?.read).toBe(users + 3);
  expect((await simulator.calls()).byOperation['GetAccountAuthorizationDetails']).toBeGreaterThan(users / 25);
  // Single users, ten calls for each, and AWS takes its time: many are under way at once.
  await simulator.configure({ latencyMs: 1_000 });
  const names = (await simulator.account()).users.map(({ userName }) => userName).slice(0, 15);
  await world().apply(world().runManifest('some', { users: names }));
  await ended('some');
  await simulator.configure({ latencyMs: 0 });

  const { throttled, total, peakInFlight } = await simulator.calls();
  expect(throttled).toBeGreaterThan(0);
  expect(throttled / total).toBeLessThan(0.05);
  expect(peakInFlight).toBeGreaterThan(2);
  expect(peakInFlight).toBeLessThanOrEqual(maxInFlight);
  expect(sockets).toBeGreaterThanOrEqual(peakInFlight / 2);
  expect(sockets).toBeLessThanOrEqual(maxSockets);
  expect(heap - base).toBeLessThan(50 * mebibyte);
}, 300_000);

/** The series of /metrics that speak of the connections of the second test. */
const seriesOf = (text: string): readonly string[] =>
  text.split('\n').filter((line) => /"throttling\/many-/.test(line));

test('C23: two hundred connections come and go: their sockets, their memory and their metrics go with them', async () => {
  const { namespace, operator } = world();
  const other = startProcess(process.execPath, [
    join(import.meta.dirname, '../simulator/cli.ts'),
    '--port=0',
    '--users=20',
  ]);
  try {
    const started = JSON.parse(await other.line((line) => line.startsWith('{'))) as {
      port: number;
      accounts: SimulatedAccount[];
    };
    const url = `http://127.0.0.1:${started.port}`;
    const iam = iamClient(url, started.accounts[0] as SimulatedAccount);
    const credentials = await makeCommunicationUser(iam, communicationUser);
    iam.destroy();
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    const base = await heapOf(operator);
    await world().apply(
      ...names.flatMap((name) => [
        secretManifest(namespace, `${name}-credentials`, credentials),
        connectionManifest(namespace, name, url),
      ]),
    );
    await eventually(
      async () => {
        const ready = (await world().metrics()).match(
          /^idhub_connection_ready\{connection="throttling\/many-\d+",reason="Verified"\} 1$/gm,
        );
        return ready?.length === names.length ? true : undefined;
      },
      { withinMs: 120_000, everyMs: 500, what: 'all connections to be read' },
    );
    const open = await socketsTo(operator.pid, started.port);
    expect(await heapOf(operator)).toBeGreaterThan(base + 12 * mebibyte);
    expect(open).toBeGreaterThan(0);
    expect(open).toBeLessThanOrEqual(names.length * maxSockets);
    expect(seriesOf(await world().metrics()).length).toBeGreaterThan(names.length);

    await world().kubectl(['delete', 'awsconnection', ...names, '-n', namespace, '--wait=false']);
    await eventually(async () => ((await socketsTo(operator.pid, started.port)) === 0 ? true : undefined), {
      withinMs: 120_000,
      everyMs: 500,
      what: 'all sockets to be closed',
    });
    await eventually(async () => (seriesOf(await world().metrics()).length === 0 ? true : undefined), {
      withinMs: 30_000,
      everyMs: 500,
      what: 'nothing to be told of them',
    });
    const left = (await heapOf(operator)) - base;
    expect(left).toBeLessThan(10 * mebibyte);
  } finally {
    await other.stop();
  }
}, 300_000);
