import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../support/command.ts';
import { plainEnvironment } from '../support/process.ts';
import type { Podman } from './podman.ts';

const root = join(import.meta.dirname, '../..');

/** The image that the operator's is based on in tests, and the one that it is built in. */
export const baseImage = 'localhost/idhub-test-base:1';
export const buildImage = 'localhost/idhub-test-build:1';

async function output(command: string, args: readonly string[]): Promise<string> {
  const result = await runCommand(command, args, { env: plainEnvironment });
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}

/** Puts a program and the libraries that it is linked with where they are on this machine, links followed. */
async function putProgram(rootfs: string, program: string, at: string): Promise<void> {
  const libraries = [...(await output('ldd', [program])).matchAll(/(?:=> )?(\/\S+) \(0x/g)];
  for (const [from, to] of [[program, at], ...libraries.map(([, path = '']) => [path, path])] as [
    string,
    string,
  ][]) {
    mkdirSync(dirname(join(rootfs, to)), { recursive: true });
    cpSync(realpathSync(from), join(rootfs, to));
    chmodSync(join(rootfs, to), 0o755);
  }
}

/**
 * Makes both images of what is on this machine, since no registry of images is asked: Node as npm brings it with the
 * libraries that it is linked with, certificates and the names of users; the second with npm and env as well.
 */
export async function makeBaseImages(podman: Podman): Promise<void> {
  const rootfs = join(podman.dir, 'rootfs');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(rootfs, path)), { recursive: true });
    writeFileSync(join(rootfs, path), text);
  };
  await putProgram(rootfs, join(root, 'node_modules/node/bin/node'), '/nodejs/bin/node');
  put('etc/passwd', 'root:x:0:0::/:/none\nnonroot:x:65532:65532::/:/none\n');
  put('etc/group', 'root:x:0:\nnonroot:x:65532:\n');
  put('etc/nsswitch.conf', 'hosts: files dns\n');
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(certificates)) {
    throw new Error(`${certificates} is not there: apt-get install ca-certificates`);
  }
  mkdirSync(join(rootfs, 'etc/ssl/certs'), { recursive: true });
  cpSync(realpathSync(certificates), join(rootfs, certificates));
  mkdirSync(join(rootfs, 'tmp'), { mode: 0o1777 });
  await importImage(podman, rootfs, baseImage);

  const npm = realpathSync((await output('/bin/sh', ['-c', 'command -v npm'])).trim());
  const npmFolder = join(dirname(npm), '..');
  cpSync(npmFolder, join(rootfs, 'usr/lib/node_modules/npm'), { recursive: true, dereference: true });
  await putProgram(rootfs, '/usr/bin/env', '/usr/bin/env');
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(rootfs, 'usr/bin/npm'));
  await importImage(podman, rootfs, buildImage);
}

async function importImage(podman: Podman, rootfs: string, name: string): Promise<void> {
  const archive = join(podman.dir, 'rootfs.tar');
  await output('tar', ['-c', '--owner=0', '--group=0', '--numeric-owner', '-f', archive, '-C', rootfs, '.']);
  await podman.must(['import', '--change=ENV PATH=/nodejs/bin:/usr/bin:/bin', '--quiet', archive, name]);
}
