import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** What a started process gets of ours: nothing but what a program needs to find its tools. */
export const plainEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** A process that a test, the demo or a benchmark started, and its output. */
export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Lines so far, standard output and standard error together, oldest first. */
  readonly lines: readonly string[];
  /** The first line, past or to come, that fits; rejects when the process ends before. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  /** SIGTERM, then SIGKILL after `graceMs` (default 10 s). Resolves when the process is gone. */
  stop(graceMs?: number): Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a process with an explicit environment (plus `plainEnvironment`), never the caller's:
 * a developer's AWS_* or proxy variables must not reach what is tested.
 * @param options.input all of its standard input; without it there is none
 */
export function startProcess(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): StartedProcess {
  const child = spawn(command, args, {
    env: { ...plainEnvironment, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // One that ends without reading all of it says why by itself.
  child.stdin?.on('error', () => undefined).end(options.input);
  const lines: string[] = [];
  const waiters = new Set<{ fits: (line: string) => boolean; found: (line: string) => void }>();
  const take = (line: string): void => {
    lines.push(line);
    for (const waiter of waiters) {
      if (waiter.fits(line)) {
        waiters.delete(waiter);
        waiter.found(line);
      }
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) {
      createInterface({ input: stream }).on('line', take);
    }
  }
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      take(`cannot start ${command}: ${error.message}`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    child,
    pid: child.pid ?? -1,
    lines,
    exited,
    line: (fits) => {
      const past = lines.find(fits);
      if (past !== undefined) {
        return Promise.resolve(past);
      }
      return new Promise((resolve, reject) => {
        waiters.add({ fits, found: resolve });
        void exited.then((code) =>
          reject(new Error(`${command} ended with ${code} first:\n${lines.slice(-40).join('\n')}`)),
        );
      });
    },
    stop: async (graceMs = 10_000) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') {
    throw new Error('no TCP address');
  }
  return address.port;
}

/** Polls until `probe` gives a value other than undefined, or the deadline passes. */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: { withinMs?: number; everyMs?: number; what?: string } = {},
): Promise<T> {
  const deadline = Date.now() + (options.withinMs ?? 30_000);
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) {
        return value;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`not in time: ${options.what ?? 'what the test waits for'}`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}
