import { parseArgs } from 'node:util';

const usage = `Measures the operator's bundle against a control plane and a simulated AWS of its own.

Usage: npm run bench -- COMMAND [options]

Commands:
  converge   accounts are declared, the operator starts: until all are Ready (default 1000 accounts)
  disable    one account is disabled while others are being made (default 1000)
  incremental  things change in AWS behind the operator's back: one run by CloudTrail (default 5000 users, 100 changes)
  recon      users are in AWS whom nobody declares: one full run tells of them (default 5000 users)
  steady     everything is as declared: calls to AWS from one reading to the next (default 5000 accounts)
  fleet      many AWS accounts in one process, each read to its end (default 200 connections, 1000 users each)
  scim       pages, filters and creations over the port for IDHub (default 5000 users)
  restart    all accounts are Ready, the operator is killed and started anew (default 5000 accounts)

Options:
  --accounts N   how many AwsAccounts, 1 to 50000
  --users N      recon, incremental, fleet, scim: users of an AWS account whom nobody declares, 1 to 50000
  --connections N  fleet: how many AWS accounts, 1 to 1000
  --creates N    scim: how many users are made, 1 to 1000 (default 50)
  --changes N    incremental: how many change, each of another user, 1 to 5000
  --bindings N   converge: bindings of each account, 0 to 10 (default 0);
                 steady: bindings of all accounts together, a multiple of --accounts (default twice as many)
  --latency MS   delay of every answer of AWS, 0 to 60000 (default 0; disable, scim: 50)
  --json         the result as one line of JSON, the last on standard output
  --profile DIR  also write CPU profiles of the operator into DIR (it is slower then)
  --help         this text

Progress goes to standard error. What is measured, and how: docs/benchmarks.md.`;

/** Something is wrong with how the command was called. */
class UsageError extends Error {}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

/** Bindings of each account, from those of all. */
function bindingsOfEach(text: string | undefined, accounts: number): number {
  const all = wholeNumber('bindings', text ?? String(accounts * 2), 0, 500_000);
  if (all % accounts !== 0 || all > accounts * 10) {
    throw new UsageError(
      `--bindings takes a multiple of ${accounts} (--accounts), up to ten times as many, not ${all}`,
    );
  }
  return all / accounts;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        accounts: { type: 'string' },
        users: { type: 'string' },
        changes: { type: 'string' },
        creates: { type: 'string' },
        connections: { type: 'string' },
        bindings: { type: 'string' },
        latency: { type: 'string' },
        profile: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]);
  }
}

const commands = [
  'converge',
  'disable',
  'fleet',
  'incremental',
  'recon',
  'restart',
  'scim',
  'steady',
] as const;
type Command = (typeof commands)[number];

const quantities = ['accounts', 'bindings', 'changes', 'connections', 'creates', 'users'] as const;

/** What each command takes, beside what all take. */
const takes: Readonly<Record<Command, readonly (typeof quantities)[number][]>> = {
  converge: ['accounts', 'bindings'],
  disable: ['accounts'],
  fleet: ['connections', 'users'],
  incremental: ['changes', 'users'],
  recon: ['users'],
  restart: ['accounts'],
  scim: ['creates', 'users'],
  steady: ['accounts', 'bindings'],
};

function isCommand(text: string | undefined): text is Command {
  return commands.some((command) => command === text);
}

/** A result for people: one line a number, nested ones indented. */
function readable(result: object, indent = ''): string {
  return Object.entries(result)
    .map(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? `${indent}${name}\n${readable(value, `${indent}  `)}`
        : `${indent}${name.padEnd(32 - indent.length)}${String(value)}`,
    )
    .join('\n');
}

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(usage);
    return;
  }
  const [command, ...rest] = positionals;
  if (!isCommand(command) || rest.length > 0) {
    const given = positionals.join(' ');
    throw new UsageError(`the command is ${commands.join(' or ')}${given === '' ? '' : `, not "${given}"`}`);
  }
  for (const flag of quantities) {
    if (values[flag] !== undefined && !takes[command].includes(flag)) {
      throw new UsageError(`--${flag} does not belong to ${command}`);
    }
  }
  const present = wholeNumber('users', values.users ?? (command === 'fleet' ? '1000' : '5000'), 1, 50_000);
  const connections = wholeNumber('connections', values.connections ?? '200', 1, 1_000);
  const changes =
    command === 'incremental'
      ? wholeNumber('changes', values.changes ?? '100', 1, Math.min(present, 5_000))
      : 0;
  const creates = wholeNumber('creates', values.creates ?? '50', 1, 1_000);
  const accounts = wholeNumber(
    'accounts',
    values.accounts ?? (command === 'restart' || command === 'steady' ? '5000' : '1000'),
    1,
    50_000,
  );
  const bindings =
    command === 'steady'
      ? bindingsOfEach(values.bindings, accounts)
      : wholeNumber('bindings', values.bindings ?? '0', 0, 10);
  // Where AWS answers at once, a thousand users are made before anything can be seen of the one that waits.
  const latencyMs = wholeNumber(
    'latency',
    values.latency ?? (command === 'disable' || command === 'scim' ? '50' : '0'),
    0,
    60_000,
  );
  const begun = performance.now();
  const progress = (line: string): void => {
    process.stderr.write(`[${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s] ${line}\n`);
  };
  const { profile } = values;
  // Written when the process ends by itself, not where it is killed.
  const nodeFlags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  // Room for those that are made on the way.
  const users = {
    converge: accounts,
    disable: accounts + 1,
    fleet: 0,
    incremental: changes,
    recon: 0,
    restart: accounts,
    scim: creates,
    steady: accounts,
  }[command];
  // Only now: what was called wrongly is refused at once.
  const { Stage } = await import('./stage.ts');
  const stage = new Stage({
    accounts: users,
    users: takes[command].includes('users') ? present : 0,
    connections: command === 'fleet' ? connections : 1,
    bindings,
    latencyMs,
    nodeFlags,
    signal,
    progress,
  });
  try {
    const work: Promise<object> = {
      converge: async () => (await import('./converge.ts')).converge(stage, { accounts, bindings, progress }),
      incremental: async () => (await import('./incremental.ts')).incremental(stage, { changes, progress }),
      disable: async () => (await import('./disable.ts')).disable(stage, { accounts, latencyMs, progress }),
      fleet: async () => (await import('./fleet.ts')).fleet(stage, { connections, users: present, progress }),
      recon: async () => (await import('./recon.ts')).recon(stage, { users: present, progress }),
      scim: async () =>
        (await import('./scim.ts')).scim(stage, { users: present, creates, latencyMs, progress }),
      restart: async () => (await import('./restart.ts')).restart(stage, { progress }),
      steady: async () =>
        (await import('./steady.ts')).steady(stage, { accounts, bindings: accounts * bindings, progress }),
    }[command]();
    // Whatever it waits for, an interruption does not.
    const result = await Promise.race([work, aborted(signal)]);
    console.log(values.json ? JSON.stringify(result) : readable(result));
  } finally {
    progress('cleaning up');
    await stage.close();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) {
      abort();
    }
  });
}

const interrupted = new AbortController();
let exitCode = 0;
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(name, () => {
    exitCode = code;
    interrupted.abort(new Error(`stopped by ${name}`));
  });
}
try {
  await main(process.argv.slice(2), interrupted.signal);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError) {
    console.error('See npm run bench -- --help');
  }
  exitCode ||= error instanceof UsageError ? 2 : 1;
}
// What was interrupted in the middle may still hold something open.
process.exit(exitCode);
