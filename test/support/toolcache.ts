import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buildWithGo, goBuildFlags, type GoPlatform, type GoTool } from './gobuild.ts';
import { withLock } from './lock.ts';

export type GoBuild = (
  tool: GoTool,
  output: string,
  options: {
    readonly environment: NodeJS.ProcessEnv;
    readonly platform: GoPlatform;
    readonly log: (line: string) => void;
  },
) => Promise<void>;

export interface ToolCacheOptions {
  /** Where the cache is (`IDHUB_CACHE_DIR`, `XDG_CACHE_HOME`, `HOME`), and Go's own settings. */
  readonly environment: NodeJS.ProcessEnv;
  /** Hears what takes time or is out of order; one line a call. */
  readonly log: (line: string) => void;
  readonly build?: GoBuild;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Where binaries are kept: outside the tree, so that a clean checkout does not cost a build. */
export function cacheRoot(environment: NodeJS.ProcessEnv): string {
  const named = environment['IDHUB_CACHE_DIR'];
  if (named !== undefined && named !== '') {
    return named;
  }
  const xdg = environment['XDG_CACHE_HOME'];
  const base = xdg !== undefined && xdg !== '' ? xdg : join(environment['HOME'] ?? homedir(), '.cache');
  return join(base, 'idhub-aws-connector');
}

/**
 * The path of a tool's binary, built when the cache does not have it. The entry's name carries version,
 * platform and a hash of all that goes in; its checksum is verified before each use, and a damaged entry
 * is built again. Several processes may call this at once: one builds, the others wait.
 */
export async function ensureTool(tool: GoTool, options: ToolCacheOptions): Promise<string> {
  const platform = goPlatform(process.platform, process.arch);
  const entry = await ensureEntry({
    ...options,
    name: await entryName(tool, platform),
    label: `${tool.name} ${tool.version}`,
    work: ['built', 'building'],
    state: (folder) => entryState(folder, tool.name),
    make: async (draft) => {
      await (options.build ?? buildWithGo)(tool, join(draft, tool.name), {
        environment: options.environment,
        platform,
        log: options.log,
      });
      await writeFile(
        checksumFile(draft, tool.name),
        `${await sha256(join(draft, tool.name))}  ${tool.name}\n`,
      );
    },
  });
  return join(entry, tool.name);
}

export type EntryState = 'absent' | 'intact' | 'damaged';

export interface EntryOptions extends Pick<ToolCacheOptions, 'environment' | 'log' | 'sleep'> {
  /** Of the folder; carries all that goes in. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** What happens to it, for people, as something done and as something going on. */
  readonly work: readonly [done: string, doing: string];
  readonly state: (folder: string) => Promise<EntryState>;
  /** Fills an empty folder, which takes the entry's place when this has come to its end. */
  readonly make: (draft: string) => Promise<void>;
}

/** The folder of an entry of the cache, made when it is not there or damaged. One process makes it, others wait. */
export async function ensureEntry(options: EntryOptions): Promise<string> {
  const { label, log, work } = options;
  const root = cacheRoot(options.environment);
  const entry = join(root, options.name);
  if ((await options.state(entry)) === 'intact') {
    return entry;
  }
  await withLock(
    `${entry}.lock`,
    async () => {
      const state = await options.state(entry);
      if (state === 'intact') {
        return;
      }
      if (state === 'damaged') {
        log(`${label}: what is cached does not fit its checksum and is ${work[0]} again (${entry})`);
      }
      await removeDrafts(entry, root);
      const draft = `${entry}.draft-${process.pid}`;
      try {
        await mkdir(draft, { recursive: true });
        await options.make(draft);
        await rm(entry, { recursive: true, force: true });
        await rename(draft, entry);
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    },
    {
      ...(options.sleep === undefined ? {} : { sleep: options.sleep }),
      onWait: (holder, waitedMs) => {
        if (waitedMs % 10_000 === 0) {
          log(`${label}: process ${holder} is ${work[1]} it; waiting (${waitedMs / 1000} s)`);
        }
      },
    },
  );
  return entry;
}

/** Go's names for what Node calls the platform; throws where the tools are not built for. */
export function goPlatform(platform: string, arch: string): GoPlatform {
  const os = { linux: 'linux', darwin: 'darwin' }[platform];
  const goarch = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (os === undefined || goarch === undefined) {
    throw new Error(
      `a local control plane runs on Linux and macOS, amd64 and arm64, not on ${platform}/${arch}: ` +
        'use CLUSTER=existing with a kubeconfig of yours',
    );
  }
  return { os, arch: goarch };
}

async function entryName(tool: GoTool, platform: GoPlatform): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) {
    hash.update(await readFile(join(tool.moduleDir, file)));
    hash.update('\0');
  }
  hash.update(JSON.stringify([tool.package, goBuildFlags(tool), 'CGO_ENABLED=0']));
  const digest = hash.digest('hex').slice(0, 16);
  return `${tool.name}-${tool.version}-${platform.os}-${platform.arch}-${digest}`;
}

function checksumFile(entry: string, name: string): string {
  return join(entry, `${name}.sha256`);
}

async function entryState(entry: string, name: string): Promise<EntryState> {
  try {
    await readdir(entry);
  } catch {
    return 'absent';
  }
  try {
    const recorded = (await readFile(checksumFile(entry, name), 'utf8')).split(/\s/)[0];
    return recorded === (await sha256(join(entry, name))) ? 'intact' : 'damaged';
  } catch {
    return 'damaged';
  }
}

/** In hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** What builders that were killed left; only called under the entry's lock. */
async function removeDrafts(entry: string, root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (join(root, name).startsWith(`${entry}.draft-`)) {
      await rm(join(root, name), { recursive: true, force: true });
    }
  }
}
