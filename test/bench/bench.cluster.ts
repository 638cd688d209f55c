import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { eventually, startProcess } from '../support/process.ts';

const cli = join(import.meta.dirname, '../../bench/cli.ts');

/** One for all commands, which come one after the other; the last test has one started by the command itself. */
let plane: ControlPlane | undefined;
beforeAll(async () => {
  plane = await startControlPlane();
}, 120_000);
afterAll(async () => plane?.stop());

async function bench(
  ...args: readonly string[]
): Promise<{ code: number | string; lines: readonly string[] }> {
  const env = { CLUSTER: 'existing', KUBECONFIG: plane?.kubeconfigPath ?? '' };
  const process_ = startProcess(process.execPath, [cli, ...args], { env });
  return { code: await process_.exited, lines: process_.lines };
}

/** The one line of JSON among the lines of progress. */
function resultOf(lines: readonly string[]): Record<string, unknown> {
  const found = lines.filter((line) => line.startsWith('{'));
  expect(found).toHaveLength(1);
  return JSON.parse(found[0] ?? '') as Record<string, unknown>;
}

/** Processes that this one started, from the kernel's table (proc(5), the fourth field of stat). */
function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(pid) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

test('converge: one CreateUser an account and no read of it, two writes of its object; each binding adds its own write', async () => {
  const { code, lines } = await bench('converge', '--accounts', '20', '--bindings', '2', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  expect(result).toEqual({
    accounts: 20,
    bindings: 2,
    seconds: expect.any(Number),
    awsCalls: expect.any(Number),
    awsWritesPerAccount: expect.any(Number),
    awsCallsByOperation: expect.objectContaining({ CreateUser: 20, AddUserToGroup: 40 }),
    apiServerWrites: expect.any(Number),
    apiServerWritesByKind: expect.any(Object),
    steadyCallsPerCycle: expect.any(Number),
    peakInFlight: expect.any(Number),
    rssMb: expect.any(Number),
  });
  const { awsCalls, awsCallsByOperation, awsWritesPerAccount, steadyCallsPerCycle } = result;
  const byOperation = Object.values(awsCallsByOperation as Record<string, number>);
  expect(byOperation.reduce((sum, count) => sum + count, 0)).toBe(awsCalls);
  expect(awsCallsByOperation).not.toHaveProperty('ListGroupsForUser');
  expect(awsCalls).toBeLessThan(3 * 20 + 10);
  expect(awsWritesPerAccount).toBeLessThanOrEqual(3.3);
  const writes = result['apiServerWritesByKind'] as Record<string, number>;
  expect(Object.values(writes).reduce((sum, count) => sum + count, 0)).toBe(result['apiServerWrites']);
  // Which of the two comes first is chance: a binding that does not wait has one status, and an account that is looked
  // at again, since a binding of it was, has its user's id at once. Beyond that, nothing is written twice.
  const between = (count: number | undefined, least: number, most: number): void => {
    expect(count).toBeGreaterThanOrEqual(least);
    expect(count).toBeLessThanOrEqual(most);
  };
  const {
    'PATCH awsaccounts': accountNotes,
    'APPLY awsaccounts/status': accountStatus,
    'PATCH awsentitlementbindings': bindingNotes,
    'APPLY awsentitlementbindings/status': bindingStatus,
    ...others
  } = writes;
  between(accountNotes, 20, 2 * 20);
  between(accountStatus, 20, 2 * 20);
  expect(bindingNotes).toBe(40);
  between(bindingStatus, 40, 2 * 40);
  // Of the one connection: finalizers and account id, its status, and the finalizer of its Secret.
  expect(Object.keys(others).sort()).toEqual([
    'APPLY awsconnections/status',
    'PATCH awsconnections',
    'PATCH secrets',
  ]);
  expect(Object.values(others).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(6);
  expect(steadyCallsPerCycle).toBeLessThan(10);
}, 180_000);

test('disable: the leaver goes first', async () => {
  const { code, lines } = await bench('disable', '--accounts', '60', '--latency', '100', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  expect(resultOf(lines)).toEqual({
    accounts: 60,
    seconds: expect.any(Number),
    // The Deny, the lists of credentials, the note, the password and the key.
    calls: expect.any(Number),
    ownLatencySeconds: expect.any(Number),
    beyondSeconds: expect.any(Number),
    usersBefore: expect.any(Number),
    usersAfter: expect.any(Number),
  });
}, 180_000);

test('restart: nothing is written to AWS, and little is read', async () => {
  const { code, lines } = await bench('restart', '--accounts', '20', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  expect(result).toEqual({
    seconds: expect.any(Number),
    awsWrites: 0,
    awsReads: expect.any(Number),
    rssMb: expect.any(Number),
  });
  expect(result['awsReads']).toBeLessThan(20);
}, 180_000);

test('incremental: all changes are told, with few calls', async () => {
  const { code, lines } = await bench('incremental', '--users', '200', '--changes', '7', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  expect(result).toEqual({
    users: 200,
    changes: 7,
    calls: expect.any(Number),
    callsByOperation: expect.objectContaining({ LookupEvents: expect.any(Number) }),
    seconds: expect.any(Number),
    rssMb: expect.any(Number),
  });
  expect(result['calls']).toBeLessThan(20);
}, 180_000);

test('recon: a full run costs the pages of the account, and no call for each user', async () => {
  const { code, lines } = await bench('recon', '--users', '100', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  expect(result).toEqual({
    users: 100,
    calls: expect.any(Number),
    callsByOperation: expect.objectContaining({ GetAccountAuthorizationDetails: 1 }),
    seconds: expect.any(Number),
    rssMb: expect.any(Number),
  });
  expect(result['calls']).toBeLessThanOrEqual(10);
}, 180_000);

test('steady: accounts and bindings that are as declared cost no call each', async () => {
  const { code, lines } = await bench('steady', '--accounts', '20', '--bindings', '40', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  expect(result).toMatchObject({ accounts: 20, bindings: 40, cycles: 3, rssMb: expect.any(Number) });
  expect(result['callsPerCycle']).toBeLessThanOrEqual(10);
}, 180_000);

test('fleet: each account is read through its own connection', async () => {
  const { code, lines } = await bench('fleet', '--connections', '3', '--users', '20', '--json');
  expect({ code, lines }).toMatchObject({ code: 0 });
  expect(resultOf(lines)).toEqual({
    connections: 3,
    users: 20,
    seconds: expect.any(Number),
    cpuSeconds: expect.any(Number),
    rssMb: expect.any(Number),
    eventLoopDelayP99Ms: expect.any(Number),
    calls: expect.any(Number),
  });
}, 180_000);

test('scim: pages, filters and creations are answered, with one call to AWS for each user', async () => {
  const { code, lines } = await bench(
    'scim',
    '--users',
    '250',
    '--creates',
    '5',
    '--latency',
    '20',
    '--json',
  );
  expect({ code, lines }).toMatchObject({ code: 0 });
  const result = resultOf(lines);
  const times = { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) };
  expect(result).toEqual({
    users: 250,
    pageMs: { requests: 1_000, ...times },
    usersPageMs: { requests: 1_000, ...times },
    filterMs: { requests: 300, ...times },
    nameFilterMs: { requests: 300, ...times },
    requestsPerSecond: expect.any(Number),
    requestsPerCoreSecond: expect.any(Number),
    create: {
      accounts: 5,
      ms: { requests: 5, ...times },
      callsEach: 1,
      ownMs: expect.any(Number),
      beyondMs: expect.any(Number),
    },
    rssMb: expect.any(Number),
  });
}, 180_000);

test('interrupted in the middle: all that was started ends', async () => {
  const process_ = startProcess(process.execPath, [cli, 'converge', '--accounts', '50', '--latency', '200']);
  await process_.line((line) => line.includes('starting the operator'));
  const children = childrenOf(process_.pid);
  expect(children.length).toBeGreaterThan(1);
  process_.kill('SIGINT');
  expect(await process_.exited).toBe(130);
  expect(process_.lines).toContain('bench: stopped by SIGINT');
  await eventually(() => children.every((pid) => !existsSync(`/proc/${pid}`)) || undefined, {
    what: `processes ${children.join(', ')} to be gone`,
  });
}, 180_000);

test.each([
  [
    [],
    'bench: the command is converge or disable or fleet or incremental or recon or restart or scim or steady',
  ],
  [
    ['converge', 'restart'],
    'bench: the command is converge or disable or fleet or incremental or recon or restart or scim or steady, not "converge restart"',
  ],
  [['converge', '--accounts', 'many'], 'bench: --accounts takes a whole number from 1 to 50000, not "many"'],
  [['restart', '--bindings', '2'], 'bench: --bindings does not belong to restart'],
  [['converge', '--bindings', '11'], 'bench: --bindings takes a whole number from 0 to 10, not "11"'],
  [['restart', '--accounts', '0'], 'bench: --accounts takes a whole number from 1 to 50000, not "0"'],
  [['converge', '--latency', '-1'], expect.stringContaining("Option '--latency' argument is ambiguous")],
  [
    ['steady', '--accounts', '3', '--bindings', '4'],
    'bench: --bindings takes a multiple of 3 (--accounts), up to ten times as many, not 4',
  ],
  [['recon', '--connections', '2'], 'bench: --connections does not belong to recon'],
  [['incremental', '--accounts', '5'], 'bench: --accounts does not belong to incremental'],
  [['converge', '--changes', '5'], 'bench: --changes does not belong to converge'],
  [
    ['incremental', '--users', '5', '--changes', '6'],
    'bench: --changes takes a whole number from 1 to 5, not "6"',
  ],
  [['converge', '--color'], expect.stringContaining("Unknown option '--color'")],
])('%j is refused with a sentence', async (args, sentence) => {
  const { code, lines } = await bench(...args);
  expect(code).toBe(2);
  expect(lines[0]).toEqual(sentence);
  expect(lines).toContain('See npm run bench -- --help');
});

test('help says what there is', async () => {
  const { code, lines } = await bench('--help');
  expect(code).toBe(0);
  expect(lines.join('\n')).toContain('--accounts N');
});
