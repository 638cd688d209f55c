import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { GoTool } from './gobuild.ts';
import { cacheRoot, ensureTool, goPlatform, type GoBuild } from './toolcache.ts';

let root: string;
let tool: GoTool;
let lines: string[];
let builds: string[];

const build: GoBuild = async (built, output) => {
  builds.push(output);
  await writeFile(output, `binary of ${built.name}`, { mode: 0o755 });
};

function ensure(options: { tool?: GoTool; build?: GoBuild; sleep?: (ms: number) => Promise<void> } = {}) {
  return ensureTool(options.tool ?? tool, {
    environment: { IDHUB_CACHE_DIR: join(root, 'cache') },
    log: (line) => lines.push(line),
    build: options.build ?? build,
    ...(options.sleep === undefined ? {} : { sleep: options.sleep }),
  });
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'toolcache-test-'));
  const moduleDir = join(root, 'module');
  await mkdir(moduleDir);
  await writeFile(join(moduleDir, 'go.mod'), 'module example.test/tool\n\ngo 1.26.0\n');
  await writeFile(join(moduleDir, 'go.sum'), '');
  tool = { name: 'tool', version: 'v1.2.3', package: 'example.test/tool/cmd', moduleDir, ldflags: '-s -w' };
  lines = [];
  builds = [];
});

afterEach(() => rm(root, { recursive: true, force: true }));

test('a binary is built once, and its entry says version and platform', async () => {
  const path = await ensure();
  expect(await ensure()).toBe(path);
  expect(builds).toHaveLength(1);
  expect(basename(dirname(path))).toMatch(/^tool-v1\.2\.3-(linux|darwin)-(amd64|arm64)-[0-9a-f]{16}$/);
  expect(await readFile(path, 'utf8')).toBe('binary of tool');
  expect((await readdir(dirname(path))).sort()).toEqual(['tool', 'tool.sha256']);
  expect(await readdir(join(root, 'cache'))).toEqual([basename(dirname(path))]);
});

test('what goes into the binary decides the entry', async () => {
  const paths = [await ensure(), await ensure({ tool: { ...tool, ldflags: '-s' } })];
  await writeFile(join(tool.moduleDir, 'go.sum'), 'example.test/other v1.0.0 h1:x=\n');
  paths.push(await ensure());
  expect(new Set(paths).size).toBe(3);
});

describe('a damaged entry is built again, and that is said', () => {
  const damages: Record<string, (path: string) => Promise<void>> = {
    'changed binary': (path) => writeFile(path, 'something else'),
    'empty binary': (path) => writeFile(path, ''),
    'missing binary': (path) => rm(path),
    'missing checksum': (path) => rm(`${path}.sha256`),
  };
  test.each(Object.keys(damages))('%s', async (name) => {
    const path = await ensure();
    await damages[name]?.(path);
    expect(await ensure()).toBe(path);
    expect(builds).toHaveLength(2);
    expect(await readFile(path, 'utf8')).toBe('binary of tool');
    expect(lines.join('\n')).toContain('does not fit its checksum and is built again');
  });
});

test('a build that fails leaves nothing, and the next one succeeds', async () => {
  const failing: GoBuild = async (_tool, output) => {
    await writeFile(output, 'half');
    throw new Error('no compiler');
  };
  await expect(ensure({ build: failing })).rejects.toThrow('no compiler');
  expect(await readdir(join(root, 'cache'))).toEqual([]);
  expect(await readFile(await ensure(), 'utf8')).toBe('binary of tool');
});

test('several at once: one builds, the others wait for it', async () => {
  const started = Promise.withResolvers<undefined>();
  const slow: GoBuild = async (...args) => {
    await started.promise;
    await build(...args);
  };
  const sleep = async (): Promise<void> => {
    started.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const paths = await Promise.all([1, 2, 3].map(() => ensure({ build: slow, sleep })));
  expect(new Set(paths).size).toBe(1);
  expect(builds).toHaveLength(1);
  expect(lines.join('\n')).toContain(`process ${process.pid} is building it; waiting`);
});

test('drafts of builders that were killed are removed', async () => {
  const path = await ensure();
  await rm(dirname(path), { recursive: true });
  await mkdir(`${dirname(path)}.draft-99999`);
  await ensure();
  expect(await readdir(join(root, 'cache'))).toEqual([basename(dirname(path))]);
});

test.each([
  [{ IDHUB_CACHE_DIR: '/a', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/a'],
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/idhub-aws-connector'],
  [{ IDHUB_CACHE_DIR: '', XDG_CACHE_HOME: '', HOME: '/h' }, '/h/.cache/idhub-aws-connector'],
])('the cache of %j is %s', (environment, expected) => {
  expect(cacheRoot(environment)).toBe(expected);
});

test('platforms have their Go names, and others are refused with a way out', () => {
  expect(goPlatform('linux', 'x64')).toEqual({ os: 'linux', arch: 'amd64' });
  expect(goPlatform('darwin', 'arm64')).toEqual({ os: 'darwin', arch: 'arm64' });
  expect(() => goPlatform('win32', 'x64')).toThrow(/win32\/x64: use CLUSTER=existing/);
});
