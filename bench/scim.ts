import { sumOf } from './metrics.ts';
import type { ScimPort, Stage } from './stage.ts';

/** Milliseconds from the request to the last byte of the answer. */
export interface Times {
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface ScimResult {
  readonly users: number;
  /** Of `Account`, 100 users each, over the whole list again and again. */
  readonly pageMs: Times;
  /** The same of `Users`. */
  readonly usersPageMs: Times;
  /** A filter that every user is held against, and a page of those that fit. */
  readonly filterMs: Times;
  /** A filter for one name, as clients ask before they make somebody. */
  readonly nameFilterMs: Times;
  /** Pages of 100 users, eight at once. */
  readonly requestsPerSecond: number;
  /** Of those, for each second that the operator's process has computed: what one core answers. */
  readonly requestsPerCoreSecond: number;
  readonly create: {
    readonly accounts: number;
    /** From the request until the answer 201, in which the user is in AWS. */
    readonly ms: Times;
    /** Calls to AWS for each, one after the other. */
    readonly callsEach: number;
    /** What AWS took for them. */
    readonly ownMs: number;
    /** `p50` without that. */
    readonly beyondMs: number;
  };
  /** The most memory that the operator had, MB (10^6 bytes). */
  readonly rssMb: number;
}

const pageSize = 100;
const pages = 1_000;
const filters = 300;
const atOnce = 8;
const throughputMs = 10_000;
/** What is called meanwhile for the account as a whole. */
const ofReadings = new Set([
  'GenerateCredentialReport',
  'GetAccountAuthorizationDetails',
  'GetAccountSummary',
  'GetCallerIdentity',
  'GetCredentialReport',
  'ListAccountAliases',
  'ListUsers',
]);

/** What IDHub and other clients wait for: pages and filters of an account with many users, and somebody new. */
export async function scim(
  stage: Stage,
  options: {
    readonly users: number;
    readonly creates: number;
    readonly latencyMs: number;
    readonly progress: (line: string) => void;
  },
): Promise<ScimResult> {
  const { users, creates, latencyMs, progress } = options;
  await stage.open(0);
  const flags = await stage.scimFlags();
  const operator = await stage.startOperator(['--snapshot-interval=1h', ...flags]);
  progress('waiting for the first reading');
  await stage.untilUsersRead(operator, users);
  const port = await stage.scimPort();
  await stage.until('the first list', 200, async () => {
    const { status } = await port.ask('/Account?count=1');
    return { reached: status === 200 ? true : undefined, progressing: status };
  });

  progress(`${pages} pages of ${pageSize}, of Account and of Users`);
  const pageMs = await timed(pages, (index) => page(port, '/Account', index, users));
  const usersPageMs = await timed(pages, (index) => page(port, '/Users', index, users));
  progress(`${filters} filters`);
  const filterMs = await timed(filters, (index) =>
    listed(port, '/Account', {
      filter: `userName co "${index % 10}" and (active eq true or department pr)`,
      count: pageSize,
    }),
  );
  const nameFilterMs = await timed(filters, (index) =>
    listed(
      port,
      '/Users',
      { filter: `userName eq "user-${String((index % users) + 1).padStart(5, '0')}"` },
      1,
    ),
  );
  progress(`pages, ${atOnce} at once, for ${throughputMs / 1_000} s`);
  const before = sumOf(await operator.samples(), 'process_cpu_seconds_total');
  const { requests, seconds } = await throughput(port, users);
  const cpuSeconds = sumOf(await operator.samples(), 'process_cpu_seconds_total') - before;

  progress(`making ${creates} users, one after the other`);
  await stage.resetAwsCalls();
  const ms = await timed(creates, (index) => create(port, index));
  const { byOperation } = await stage.awsCalls();
  const calls = Object.entries(byOperation)
    .filter(([operation]) => !ofReadings.has(operation))
    .reduce((sum, [, count]) => sum + count, 0);
  const callsEach = round(calls / creates);
  const ownMs = round(callsEach * latencyMs);
  const rssMb = await operator.peakRssMb();
  await operator.end('SIGTERM');
  return {
    users,
    pageMs,
    usersPageMs,
    filterMs,
    nameFilterMs,
    requestsPerSecond: round(requests / seconds),
    requestsPerCoreSecond: round(requests / cpuSeconds),
    create: { accounts: creates, ms, callsEach, ownMs, beyondMs: round(Math.max(0, ms.p50 - ownMs)) },
    rssMb,
  };
}

/** The list from its beginning to its end, and again from its beginning. */
async function page(port: ScimPort, path: string, index: number, users: number): Promise<void> {
  const startIndex = ((index * pageSize) % (Math.ceil(users / pageSize) * pageSize)) + 1;
  await listed(port, path, { startIndex, count: pageSize }, Math.min(pageSize, users - startIndex + 1));
}

async function listed(
  port: ScimPort,
  path: string,
  query: Readonly<Record<string, string | number>>,
  atLeast = 0,
): Promise<void> {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const { status, text } = await port.ask(`${path}?${parameters.join('&')}`);
  const count = Number(/"itemsPerPage":(\d+)/.exec(text)?.[1]);
  if (status !== 200 || !(count >= atLeast)) {
    throw new Error(`${path}?${parameters.join('&')} was answered ${status}: ${text.slice(0, 300)}`);
  }
}

async function create(port: ScimPort, index: number): Promise<void> {
  const digits = String(index).padStart(5, '0');
  const { status, text } = await port.ask('/Account', {
    schemas: ['urn:sath:params:scim:schemas:core:1.0:Account'],
    userName: `joiner.${digits}`,
    givenName: `Given${digits}`,
    surname: `O'Surname${digits}`,
    displayName: `Given${digits} Surname${digits}`,
    mail: `joiner.${digits}@example.com`,
    department: 'Engineering',
    employeeId: digits,
  });
  if (status !== 201) {
    throw new Error(`the user joiner.${digits} was answered ${status}: ${text.slice(0, 300)}`);
  }
}

async function throughput(
  port: ScimPort,
  users: number,
): Promise<{ readonly requests: number; readonly seconds: number }> {
  const begun = performance.now();
  let requests = 0;
  const work = async (): Promise<void> => {
    for (let index = 0; performance.now() - begun < throughputMs; index += 1) {
      await page(port, '/Account', index, users);
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { requests, seconds: (performance.now() - begun) / 1_000 };
}

async function timed(count: number, act: (index: number) => Promise<void>): Promise<Times> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const begun = performance.now();
    await act(index);
    times.push(performance.now() - begun);
  }
  const sorted = times.toSorted((one, other) => one - other);
  const percentile = (share: number): number =>
    round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
  return { requests: count, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
