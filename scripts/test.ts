/**
 * Runs everything that has to pass, one stage after the other, and ends with one line that counts:
 * `N passed, N failed`. A stage that fails does not keep the next ones from running.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'idhub-test-'));

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

interface JestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    /** Milliseconds since the epoch. */
    readonly startTime: number;
    readonly endTime: number;
  }[];
}

/** Of all suites that have run, in seconds. */
const times: { readonly suite: string; readonly seconds: number }[] = [];
const slowest = 10;

function run(title: string, command: readonly string[]): boolean {
  const started = Date.now();
  console.log(`\n== ${title}: ${command.join(' ')}`);
  const [program = '', ...args] = command;
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(
    `== ${title}: ${status === 0 ? 'ok' : `failed (${status})`}, ${Math.round((Date.now() - started) / 1000)} s`,
  );
  return status === 0;
}

function step(title: string, command: readonly string[]): Tally {
  return run(title, command) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** A skipped test counts as failed: what is not run is not shown. @param workers suites at once */
function jest(project: string, workers: number): Tally {
  const file = join(scratch, `${project}.json`);
  const command = ['npm', 'run', '-s', 'jest', '--', '--selectProjects', project];
  run(`${project} tests`, [...command, '--json', `--outputFile=${file}`, `--maxWorkers=${workers}`]);
  try {
    const results = JSON.parse(readFileSync(file, 'utf8')) as JestResults;
    for (const { name, startTime, endTime } of results.testResults) {
      times.push({ suite: relative(root, name), seconds: (endTime - startTime) / 1_000 });
    }
    const failed =
      results.numFailedTests +
      results.numRuntimeErrorTestSuites +
      results.numPendingTests +
      results.numTodoTests;
    return { passed: results.numPassedTests, failed: results.numTotalTests === 0 ? failed + 1 : failed };
  } catch {
    console.log(`== ${project} tests: no results were written`);
    return { passed: 0, failed: 1 };
  }
}

const cores = availableParallelism();
const tallies: Tally[] = [
  step('check', ['npm', 'run', '-s', 'check']),
  step('bundle', ['npm', 'run', '-s', 'build']),
  jest('unit', cores),
  step('what a node needs', ['node', 'test/cluster/node/install.ts']),
  step('control plane', ['npm', 'run', '-s', 'cluster', '--', 'build', '--node']),
  step('Keycloak', ['npm', 'run', '-s', 'keycloak']),
  jest('process', Math.min(cores, 4)),
  // These wait much: for leases, AWS's pace, rollouts.
  jest('cluster', Math.min(cores + 1, 4)),
];
rmSync(scratch, { recursive: true, force: true });

console.log(`\n== the ${slowest} slowest suites`);
for (const { suite, seconds } of times.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowest)) {
  console.log(`${seconds.toFixed(1).padStart(7)} s  ${suite}`);
}

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
