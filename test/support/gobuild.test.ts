import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandOptions, CommandRunner } from './command.ts';
import { buildWithGo, goBuildFlags, type GoTool } from './gobuild.ts';

let tool: GoTool;

beforeAll(async () => {
  const moduleDir = await mkdtemp(join(tmpdir(), 'gobuild-test-'));
  await writeFile(join(moduleDir, 'go.mod'), 'module example.test/tool\n\ngo 1.26.0\n');
  tool = { name: 'tool', version: 'v1.2.3', package: 'example.test/cmd', moduleDir, ldflags: '-s -w' };
});

afterAll(() => rm(tool.moduleDir, { recursive: true }));

const ok = { code: 0, stdout: '', stderr: '' };

async function build(go: {
  env?: { code: number; stdout: string };
  build?: { code: number; stderr: string };
  environment?: NodeJS.ProcessEnv;
}): Promise<{ calls: { args: readonly string[]; options: CommandOptions }[]; lines: string[] }> {
  const calls: { args: readonly string[]; options: CommandOptions }[] = [];
  const lines: string[] = [];
  const run: CommandRunner = (_command, args, options) => {
    calls.push({ args, options });
    return Promise.resolve(
      args[0] === 'env' ? { ...ok, stdout: 'go1.26.8\nauto\n', ...go.env } : { ...ok, ...go.build },
    );
  };
  await buildWithGo(tool, '/out/tool', {
    environment: go.environment ?? {},
    platform: { os: 'linux', arch: 'arm64' },
    log: (line) => lines.push(line),
    run,
  });
  return { calls, lines };
}

test('the command line, the directory and the environment decide the bytes', async () => {
  const { calls } = await build({
    environment: {
      PATH: '/bin',
      HOME: '/h',
      GOPROXY: 'https://proxy.test',
      GOFLAGS: '-race',
      AWS_PROFILE: 'x',
    },
  });
  const compile = calls.at(-1);
  expect(compile?.args.join(' ')).toBe(
    'build -v -mod=readonly -buildvcs=false -trimpath -ldflags -s -w -o /out/tool example.test/cmd',
  );
  expect(goBuildFlags({ ...tool, tags: ['a', 'b'] })).toContain('-tags=a,b');
  expect(compile?.options.cwd).toBe(tool.moduleDir);
  expect(compile?.options.env).toEqual({
    PATH: '/bin',
    HOME: '/h',
    GOPROXY: 'https://proxy.test',
    CGO_ENABLED: '0',
    GOFLAGS: '',
    GOOS: 'linux',
    GOARCH: 'arm64',
    GOWORK: 'off',
  });
});

test('start and end are said', async () => {
  const { lines } = await build({});
  expect(lines[0]).toMatch(/^tool v1\.2\.3: building from Go source/);
  expect(lines.at(-1)).toMatch(/^tool v1\.2\.3: built in \d+ s$/);
});

test('a line of progress comes while it builds', async () => {
  const lines: string[] = [];
  const progressed = Promise.withResolvers<undefined>();
  const run: CommandRunner = async (_command, args, { onStderr }) => {
    if (args[0] === 'env') {
      return { ...ok, stdout: 'go1.26.8\nauto\n' };
    }
    onStderr?.('go: downloading example.test/a v1.0.0\nexample.test/a\nexample.test/b\n');
    await progressed.promise;
    return ok;
  };
  await buildWithGo(tool, '/out/tool', {
    environment: {},
    platform: { os: 'linux', arch: 'amd64' },
    log: (line) => {
      lines.push(line);
      if (line.includes('compiled')) {
        progressed.resolve(undefined);
      }
    },
    run,
    progressMs: 1,
  });
  expect(lines).toContain('tool v1.2.3: 0 s, 2 packages compiled (example.test/b)');
});

describe('what to do is part of the error', () => {
  test.each([
    [
      'no Go',
      { env: { code: 127, stdout: '' } },
      /Go 1\.26\.0 or newer builds tool .* no `go` on the PATH.*go\.dev/,
    ],
    ['Go before toolchains', { env: { code: 0, stdout: 'go1.19.8\n\n' } }, /the PATH has go1\.19\.8/],
    [
      'an older Go that stays local',
      { env: { code: 0, stdout: 'go1.24.1\nlocal\n' } },
      /the PATH has go1\.24\.1/,
    ],
    ['no network', { build: { code: 1, stderr: 'dial tcp: no such host' } }, /needs the network/],
    ['no room', { build: { code: 1, stderr: 'write x: no space left on device' } }, /There is no room/],
    [
      'a tampered module',
      { build: { code: 1, stderr: 'SECURITY ERROR: checksum mismatch' } },
      /do not go around/,
    ],
    ['killed', { build: { code: 1, stderr: 'compile: signal: killed' } }, /needs about 3 GB of memory/],
    [
      'anything else',
      { build: { code: 1, stderr: 'x.go:1: syntax error' } },
      /could not be built\.\n {2}x\.go:1/,
    ],
  ] as const)('%s', async (_name, go, message) => {
    await expect(build(go)).rejects.toThrow(message);
  });

  test('an older Go that may fetch a toolchain is let do so', async () => {
    const { calls } = await build({ env: { code: 0, stdout: 'go1.24.1\nauto\n' } });
    expect(calls.at(-1)?.args[0]).toBe('build');
  });
});
