import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { plainEnvironment } from '../support/process.ts';

/**
 * Waits for the end of its standard input, which comes when whoever started it is gone, however it went,
 * and then ends the processes listed in `pids` and removes the directory, and the control group that is named in
 * `cgroup`, of a node.
 */
const script = `
trap '' HUP INT TERM
read -r word
[ "$word" = release ] && exit 0
for pid in $(cat "$1/pids"); do kill -9 "$pid"; done 2>/dev/null
cgroup=$(cat "$1/cgroup" 2>/dev/null)
again=60
while [ -n "$cgroup" ] && [ $((again -= 1)) -gt 0 ]; do
  left=$(find /sys/fs/cgroup -maxdepth 2 -type d -path "*$cgroup")
  [ -z "$left" ] && break
  find $left -depth -type d -exec rmdir {} + 2>/dev/null || sleep 1
done
again=60
while ! rm -rf "$1" && [ $((again -= 1)) -gt 0 ]; do sleep 1; done
`;

/**
 * Holds a control plane to the life of this process: not even SIGKILL on this one leaves it behind, which
 * no handler of signals could do. It is a shell that sleeps in \`read\`.
 */
export class Guard {
  readonly #stateDir: string;
  readonly #shell: ChildProcess;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.watch([]);
    this.#shell = spawn('/bin/sh', ['-c', script, 'control-plane-guard', stateDir], {
      env: { ...plainEnvironment },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    });
    this.#shell.unref();
    const { stdin } = this.#shell;
    stdin?.on('error', () => undefined);
    // The pipe is a socket, whose type here says less; it must not keep this process alive either.
    if (stdin instanceof Socket) {
      stdin.unref();
    }
  }

  /** Which processes are to end with this one; of no interest any more when the directory is gone. */
  watch(pids: readonly number[]): void {
    if (existsSync(this.#stateDir)) {
      writeFileSync(join(this.#stateDir, 'pids'), pids.join('\n'), { mode: 0o600 });
    }
  }

  /** The control plane shall outlive this process. */
  release(): void {
    this.#shell.stdin?.end('release\n');
  }

  /** There is nothing left to end. */
  dismiss(): void {
    this.#shell.kill('SIGKILL');
  }
}
