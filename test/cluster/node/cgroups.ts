import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

/** The hierarchies of this machine: one with version 2, one a controller with version 1 (cgroups(7)). */
function hierarchies(): readonly string[] {
  return [root, ...readdirSync(root).map((name) => join(root, name))].filter(
    (dir) =>
      existsSync(join(dir, 'cgroup.procs')) && (dir === root || !existsSync(join(root, 'cgroup.procs'))),
  );
}

/** A group of its own for the pods of a node, in each hierarchy. @param name such as `/idhub-1` */
export function makeCgroup(name: string): void {
  for (const dir of hierarchies()) {
    mkdirSync(join(dir, name), { recursive: true });
  }
}

/** Removes what no process is in any more. */
export function removeCgroup(name: string): void {
  for (const dir of hierarchies()) {
    removeTree(join(dir, name));
  }
}

function removeTree(dir: string): void {
  if (!existsSync(dir)) {
    return;
  }
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      removeTree(join(dir, entry.name));
    }
  }
  try {
    rmdirSync(dir);
  } catch {
    // A process that was killed is not gone yet: whoever waits calls again.
  }
}

/** Whether anything is left of it. */
export function cgroupExists(name: string): boolean {
  return hierarchies().some((dir) => existsSync(join(dir, name)));
}
