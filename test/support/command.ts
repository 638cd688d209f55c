import { spawn } from 'node:child_process';

/** What a command that ran to its end gave. */
export interface CommandResult {
  /** The exit code; 127 when the command could not be started, 128 and more when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The whole environment of the command: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Ends the command with SIGKILL after so many milliseconds. */
  readonly timeoutMs?: number;
  /** Sees each piece of standard error as it comes. */
  readonly onStderr?: (text: string) => void;
}

/** Runs a command to its end. Never rejects: what went wrong is in `code` and `stderr`. */
export type CommandRunner = (
  command: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

/** The real runner; tests inject their own. */
export const runCommand: CommandRunner = (command, args, options) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    // Not spawn's own timeout: of a command that cannot be started, that one keeps this process alive.
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    const stdout: string[] = [];
    const stderr: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr.push(text);
      options.onStderr?.(text);
    });
    // A command that ends before it read its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
    const finish = (code: number): void => {
      clearTimeout(timer);
      resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') });
    };
    child.once('error', (error) => {
      stderr.push(`cannot start ${command}: ${error.message}\n`);
      finish(127);
    });
    child.once('close', (code, signal) => {
      if (signal !== null) {
        stderr.push(`${command} was ended by ${signal}\n`);
      }
      finish(code ?? 128);
    });
  });
