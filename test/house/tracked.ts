import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sources } from './imports.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of every tracked file that `wanted` takes, by its path from the root of the checkout. */
export function trackedFiles(wanted: (path: string) => boolean): Sources {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return new Map(
    listed
      .split('\0')
      .filter((path) => path !== '' && wanted(path) && existsSync(root + path))
      .map((path) => [path, readFileSync(root + path, 'utf8')]),
  );
}
