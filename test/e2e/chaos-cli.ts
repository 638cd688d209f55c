import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startControlPlane } from '../cluster/index.ts';
import { runChaos, type ChaosReport } from './chaos/index.ts';

const usage = `Kills the operator (SIGKILL) at random moments, under load, with an AWS that is slow, fails and lags,
and compares what is in AWS at the end with what was declared.

Usage: npm run test:chaos -- [options]

Options:
  --seed N       the same choices again (default: a new seed, which is printed)
  --kills N      how often it is killed, 1 to 10000 (default 50)
  --accounts N   about how many accounts are there at once, 1 to 1000 (default 40)
  --help         this text

Exit code: 0 when every account ended as declared, 1 when not, 2 for wrong options.`;

interface Settings {
  readonly seed: number;
  readonly kills: number;
  readonly accounts: number;
}

/** Undefined: help was asked for. Throws a sentence on what is wrong. */
function parse(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
      kills: { type: 'string', default: '50' },
      accounts: { type: 'string', default: '40' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const number = (flag: 'seed' | 'kills' | 'accounts', most: number): number => {
    const text = values[flag];
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most) {
      throw new TypeError(`--${flag} takes a whole number from 1 to ${most}, not "${text}"`);
    }
    return value;
  };
  return values.help
    ? undefined
    : {
        seed: number('seed', 0xffff_ffff),
        kills: number('kills', 10_000),
        accounts: number('accounts', 1_000),
      };
}

async function run(settings: Settings, signal: AbortSignal): Promise<ChaosReport> {
  const begun = performance.now();
  const progress = (line: string): void =>
    console.error(`[${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s] ${line}`);
  const plane = await startControlPlane({ log: progress });
  try {
    await plane.installCrds();
    return await runChaos({ ...settings, plane, namespace: 'chaos', signal, progress });
  } finally {
    await plane.stop();
  }
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let settings: Settings | undefined;
  try {
    settings = parse(args);
  } catch (error) {
    console.error(`chaos: ${(error as Error).message}\nSee npm run test:chaos -- --help`);
    return 2;
  }
  if (settings === undefined) {
    console.log(usage);
    return 0;
  }
  const { seed, kills, accounts } = settings;
  const again = `npm run test:chaos -- --seed ${seed} --kills ${kills} --accounts ${accounts}`;
  console.log(`seed ${seed}: ${kills} kills, about ${accounts} accounts`);
  let report: ChaosReport;
  try {
    report = await run(settings, signal);
  } catch (error) {
    console.log(`chaos: failed: ${error instanceof Error ? error.message : String(error)}\nAgain: ${again}`);
    return 1;
  }
  const acts = Object.entries(report.acts).map(([act, count]) => `${act} ${count}`);
  console.log(`acts: ${acts.join(', ')}; users made by the operator: ${report.made}`);
  if (report.problems.length === 0) {
    const seconds = (report.settledMs / 1_000).toFixed(1);
    console.log(
      `passed: after ${report.kills} kills every account is as declared (${seconds} s after the last fault)`,
    );
    return 0;
  }
  const file = join(tmpdir(), `chaos-${seed}.log`);
  await writeFile(file, `${report.log.join('\n')}\n`);
  console.log(
    ['FAILED: not as declared:', ...report.problems, `Logs of the operator: ${file}`, `Again: ${again}`].join(
      '\n',
    ),
  );
  return 1;
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
}
process.exit(await main(process.argv.slice(2), interrupted.signal));
