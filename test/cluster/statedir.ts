import { chmodSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** `${TMPDIR:-/tmp}/idhub-aws-connector-<uid>`: where running control planes keep their state. */
export function runDir(): string {
  return join(tmpdir(), `idhub-aws-connector-${userInfo().uid}`);
}

/** Makes the run directory, of this user only: it holds an administrator's credentials. */
export function ensureRunDir(): string {
  const dir = runDir();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== userInfo().uid) {
    throw new Error(`${dir} is not a directory of yours: remove it, or set TMPDIR to another place`);
  }
  chmodSync(dir, 0o700);
  return dir;
}

/** A new empty directory for one control plane. */
export function newStateDir(): string {
  return mkdtempSync(join(ensureRunDir(), 'plane-'));
}
