import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, type CommandResult } from '../support/command.ts';
import { plainEnvironment, startProcess, type StartedProcess } from '../support/process.ts';

/**
 * Of a container as a careful cluster runs one: nothing may be written, no capability. Limits are given, since those
 * that runc takes by itself may be above the machine's.
 */
const runArguments: readonly string[] = [
  '--runtime=runc',
  '--cgroup-manager=cgroupfs',
  'run',
  '--rm',
  '--network=none',
  '--ulimit=nofile=1024:1024',
  '--ulimit=nproc=1024:1024',
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
];

/**
 * podman with a storage of its own in a directory that ends with it: images of the user's are neither seen nor
 * changed, and nothing is left.
 */
export class Podman {
  readonly dir: string;
  /** For programs that start podman themselves. */
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    // Short: podman refuses a run directory of more than 50 characters.
    this.dir = mkdtempSync(join(tmpdir(), 'idi-'));
    const conf = join(this.dir, 'storage.conf');
    mkdirSync(join(this.dir, 'tmp'));
    writeFileSync(
      conf,
      `[storage]\ndriver = "vfs"\ngraphroot = "${this.dir}/root"\nrunroot = "${this.dir}/run"\n`,
    );
    this.env = { ...plainEnvironment, CONTAINERS_STORAGE_CONF: conf, TMPDIR: join(this.dir, 'tmp') };
  }

  /** Runs it to its end. Never rejects. */
  run(args: readonly string[], timeoutMs = 300_000): Promise<CommandResult> {
    return runCommand('podman', args, { env: this.env, timeoutMs });
  }

  /** @returns standard output @throws {Error} where it fails, with what is missing where it is not there */
  async must(args: readonly string[]): Promise<string> {
    const result = await this.run(args);
    if (result.code === 127) {
      throw new Error('podman is not there: apt-get install --no-install-recommends podman runc');
    }
    if (result.code !== 0) {
      throw new Error(`podman ${args.join(' ')}: ${result.stderr.trim()}`);
    }
    return result.stdout;
  }

  /** Runs an image; `further` are arguments of `podman run`. Never rejects. */
  start(image: string, args: readonly string[], further: readonly string[] = []): StartedProcess {
    return startProcess('podman', [...runArguments, ...further, image, ...args], { env: { ...this.env } });
  }

  /** Runs an image to its end. Never rejects. */
  runImage(image: string, args: readonly string[], further: readonly string[] = []): Promise<CommandResult> {
    return this.run([...runArguments, ...further, image, ...args], 60_000);
  }

  async remove(): Promise<void> {
    await this.run(['system', 'reset', '--force']);
    rmSync(this.dir, { recursive: true, force: true });
  }
}
