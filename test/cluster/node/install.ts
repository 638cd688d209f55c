import { spawnSync } from 'node:child_process';
import { packagesForImages, requireNode, thisMachine } from './requirements.ts';

/**
 * Installs the Debian packages that a node and its images need and this machine lacks, where that is ours to do: as
 * root, with apt-get. Ends with what is missing where it is not.
 */
function install(): void {
  const packages = packagesForImages(thisMachine(process.env));
  if (packages.length > 0 && process.getuid?.() === 0) {
    console.error(`installing ${packages.join(', ')} ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args: string[]): number | null =>
      spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 2, 2] }).status;
    const get = (): number | null => apt('install', '-y', '--no-install-recommends', ...packages);
    // Lists of packages may be old, or not there at all.
    if (get() !== 0 && apt('update') === 0) {
      get();
    }
  }
  const machine = thisMachine(process.env);
  requireNode(machine);
  if (packagesForImages(machine).length > 0) {
    throw new Error('podman is not there: apt-get install --no-install-recommends podman');
  }
}

try {
  install();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
