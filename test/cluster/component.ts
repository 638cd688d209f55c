import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { plainEnvironment } from '../support/process.ts';

/** One process of a control plane, for tests that disturb it. */
export interface Component {
  /** The process that runs, or the last one that ran. */
  readonly pid: number;
  /**
   * SIGKILL, sent before this returns: connections are reset at once, where a SIGTERM would let
   * kube-apiserver serve its watches for up to a minute. Resolves when the process is gone; its data stay.
   */
  stop(): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Stops what runs, starts again on the same port with the same data; resolves when it is ready. */
  restart(): Promise<void>;
}

export interface ComponentOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** In place of `plainEnvironment`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets standard output and standard error, appended. */
  readonly logFile: string;
  /** Whether it serves. Asked every 50 ms while it starts. */
  readonly ready: () => Promise<boolean>;
  /** Called when a process starts and when it is gone. */
  readonly onChange: () => void;
  /** How long a start may take; 60 s unless told. */
  readonly startWithinMs?: number;
}

/** A component that did not come up, with the end of its log. */
export class ComponentFailedError extends Error {
  readonly portTaken: boolean;

  constructor(options: { name: string; what: string; log: string }) {
    super(`${options.name} ${options.what}:\n${options.log.split('\n').slice(-20).join('\n')}`);
    this.name = 'ComponentFailedError';
    this.portTaken = options.log.includes('address already in use');
  }
}

/**
 * A process in a session of its own, so that Ctrl-C in a terminal reaches whoever started the control
 * plane, who decides in which order things end. It does not keep this process alive.
 */
export class LocalComponent implements Component {
  readonly #options: ComponentOptions;
  #child: ChildProcess | undefined;
  #pid = -1;

  constructor(options: ComponentOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it and resolves when it is ready; rejects with `ComponentFailedError`, and then nothing runs. */
  async start(): Promise<void> {
    const {
      command,
      args,
      env = plainEnvironment,
      logFile,
      ready,
      onChange,
      startWithinMs = 60_000,
    } = this.#options;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(command, args, {
      env: { ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#pid = child.pid ?? -1;
    const gone = (): void => {
      if (this.#child === child) {
        this.#child = undefined;
        onChange();
      }
    };
    child.once('exit', gone);
    child.once('error', gone);
    child.unref();
    onChange();

    const deadline = performance.now() + startWithinMs;
    while (this.#child === child) {
      if (await ready()) {
        return;
      }
      if (performance.now() > deadline) {
        await this.stop();
        throw this.#failure(`was not ready within ${startWithinMs / 1000} s`);
      }
      await delay(50);
    }
    throw this.#failure('ended while it started');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) {
      return;
    }
    child.ref();
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  #failure(what: string): ComponentFailedError {
    const { name, logFile } = this.#options;
    return new ComponentFailedError({ name, what, log: readFileSync(logFile, 'utf8').trimEnd() });
  }
}
