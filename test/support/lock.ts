import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processIdentity, stillRuns } from './identity.ts';

interface LockHolder {
  readonly pid: number;
  readonly identity: string;
  /** Tells two holdings of one process apart. */
  readonly nonce: string;
}

export interface LockOptions {
  /** Called before each wait, with the pid of who holds the lock and how long we wait already. */
  readonly onWait?: (holderPid: number, waitedMs: number) => void;
  /** Waits between two tries; milliseconds. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const retryMs = 250;

/**
 * Runs `action` while holding a lock file: one holder at a time over all processes of this machine. The
 * lock of a process that has ended (or of an earlier boot) is taken over. Waits as long as it takes.
 */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const sleep = options.sleep ?? ((ms: number) => delay(ms));
  const mine = JSON.stringify({
    pid: process.pid,
    identity: processIdentity(process.pid) ?? '',
    nonce: randomBytes(6).toString('hex'),
  } satisfies LockHolder);
  mkdirSync(dirname(path), { recursive: true });
  for (let waitedMs = 0; !tryTake(path, mine); waitedMs += retryMs) {
    const content = read(path);
    const holder = content === undefined ? undefined : parse(content);
    if (content !== undefined && (holder === undefined || !stillRuns(holder))) {
      removeDead(path, content);
    } else {
      options.onWait?.(holder?.pid ?? 0, waitedMs);
      await sleep(retryMs);
    }
  }
  try {
    return await action();
  } finally {
    if (read(path) === mine) {
      rmSync(path, { force: true });
    }
  }
}

/** A lock appears with its content in one step, so that nobody ever reads half of it. */
function tryTake(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, content, { flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Two may see the same dead holder: who moved a lock away that is not the dead one puts it back. */
function removeDead(path: string, dead: string): void {
  const aside = `${path}.dead.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== dead) {
    try {
      linkSync(aside, path);
    } catch {
      // Somebody holds it anew; the one moved away finds its lock gone, which is all it loses.
    }
  }
  rmSync(aside, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(content: string): LockHolder | undefined {
  try {
    const value = JSON.parse(content) as Partial<LockHolder>;
    return typeof value.pid === 'number' && typeof value.identity === 'string'
      ? { pid: value.pid, identity: value.identity, nonce: value.nonce ?? '' }
      : undefined;
  } catch {
    return undefined;
  }
}
