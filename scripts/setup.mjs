/**
 * Makes a clone ready: installs what package-lock.json pins, if that was not done for this very
 * lockfile. Plain JavaScript without dependencies, since it runs with whatever Node the machine has;
 * everything after it runs with the Node of the lockfile.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stamp = join(root, 'node_modules/.idhub-setup');
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (!installed) {
  process.stderr.write('installing what package-lock.json pins (about half a minute) ...\n');
  const { status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    process.stderr.write('npm ci failed: see above; is the npm registry reachable?\n');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
const node = spawnSync(join(root, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
if (node.status !== 0 || !node.stdout.startsWith('v24.')) {
  process.stderr.write(
    'the Node of the lockfile is not there: npm must be allowed to run the install script of the package "node" ' +
      '(npm config get ignore-scripts should say false); then remove node_modules and start again\n',
  );
  process.exit(1);
}
