import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, type CommandRunner } from './command.ts';

/** A program that is built from a pinned Go module. */
export interface GoTool {
  /** The name of the binary. */
  readonly name: string;
  readonly version: string;
  /** The import path of its main package. */
  readonly package: string;
  /** The folder with the `go.mod` and `go.sum` that pin everything that goes into it. */
  readonly moduleDir: string;
  readonly ldflags: string;
  /** Go's build tags; none unless told. */
  readonly tags?: readonly string[];
}

/** Where the binaries that a build makes fit: Go's names of operating system and architecture. */
export interface GoPlatform {
  readonly os: string;
  readonly arch: string;
}

/** The flags that decide what the binary is: the same sources give the same bytes. */
export function goBuildFlags(tool: GoTool): readonly string[] {
  const tags = tool.tags === undefined ? [] : [`-tags=${tool.tags.join(',')}`];
  return ['-mod=readonly', '-buildvcs=false', '-trimpath', ...tags, '-ldflags', tool.ldflags];
}

export interface GoBuildOptions {
  /** Only Go's own settings, proxies and certificates are taken from it. */
  readonly environment: NodeJS.ProcessEnv;
  readonly platform: GoPlatform;
  readonly log: (line: string) => void;
  readonly run?: CommandRunner;
  /** Between two lines of progress; milliseconds, default 10,000. */
  readonly progressMs?: number;
}

/**
 * Builds a tool with the machine's Go. Downloads are verified against the module's `go.sum`. Rejects with
 * a sentence that says what to do: Go missing, Go too old, no network, no room, or the compiler's words.
 */
export async function buildWithGo(tool: GoTool, output: string, options: GoBuildOptions): Promise<void> {
  const run = options.run ?? runCommand;
  const env = goEnvironment(options.environment, options.platform);
  await requireGo(tool, run, env);

  const label = `${tool.name} ${tool.version}`;
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const progress = { packages: 0, last: 'none needed it so far' };
  options.log(`${label}: building from Go source, once (minutes; kept in the cache afterwards)`);
  const timer = setInterval(() => {
    options.log(`${label}: ${seconds()} s, ${progress.packages} packages compiled (${progress.last})`);
  }, options.progressMs ?? 10_000);
  try {
    const built = await run('go', ['build', '-v', ...goBuildFlags(tool), '-o', output, tool.package], {
      cwd: tool.moduleDir,
      env,
      onStderr: (text) => {
        const lines = text.split('\n').filter((line) => line.trim() !== '');
        progress.packages += lines.filter((line) => !line.startsWith('go: ')).length;
        progress.last = lines.at(-1) ?? progress.last;
      },
    });
    if (built.code !== 0) {
      throw new Error(buildFailure(tool, built.stderr));
    }
    options.log(`${label}: built in ${seconds()} s`);
  } finally {
    clearInterval(timer);
  }
}

/** Go's settings, the way to the module proxy, and the flags that make builds alike everywhere. */
export function goEnvironment(environment: NodeJS.ProcessEnv, platform: GoPlatform): Record<string, string> {
  const passed = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      /^(PATH|HOME|TMPDIR|LANG|XDG_(CACHE|CONFIG)_HOME|GO[A-Z]+|SSL_CERT_(FILE|DIR)|(https?|no)_proxy)$/i.test(
        entry[0],
      ),
  );
  return {
    ...Object.fromEntries(passed),
    CGO_ENABLED: '0',
    GOFLAGS: '',
    GOOS: platform.os,
    GOARCH: platform.arch,
    GOWORK: 'off',
  };
}

async function requireGo(
  tool: GoTool,
  run: CommandRunner,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const wanted = /^go (\S+)/m.exec(await readFile(join(tool.moduleDir, 'go.mod'), 'utf8'))?.[1] ?? '1';
  // Outside any module: inside one, Go might first fetch the toolchain that the module names.
  const found = await run('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'], { env, cwd: tmpdir() });
  const advice =
    'Install it from https://go.dev/dl/ and run `npm run cluster -- build`, ' +
    'or use a cluster of yours with CLUSTER=existing.';
  if (found.code === 127) {
    throw new Error(
      `Go ${wanted} or newer builds ${tool.name} ${tool.version}, and there is no \`go\` on the PATH. ${advice}`,
    );
  }
  const [version = '', toolchain = ''] = found.stdout.split('\n').map((line) => line.trim());
  const [have, need] = [versionNumber(version), versionNumber(wanted)];
  // From 1.21 on, Go fetches a newer toolchain by itself unless it was told to stay local.
  if (have < need && (have < versionNumber('1.21') || toolchain === 'local')) {
    throw new Error(
      `Go ${wanted} or newer builds ${tool.name} ${tool.version}; the PATH has ${version || 'an older one'}. ${advice}`,
    );
  }
}

/** Major and minor as one number that compares: go1.26.8 → 1026. */
function versionNumber(version: string): number {
  const match = /(\d+)\.(\d+)/.exec(version);
  return match === null ? 0 : Number(match[1]) * 1000 + Number(match[2]);
}

function buildFailure(tool: GoTool, stderr: string): string {
  const lines = stderr.trimEnd().split('\n');
  const hints: readonly (readonly [RegExp, string])[] = [
    [/checksum mismatch|SECURITY ERROR/, 'A module is not what go.sum says: do not go around this.'],
    [/no space left on device/, 'There is no room: the build takes about 4 GB in GOCACHE and GOMODCACHE.'],
    [/signal: killed|cannot allocate memory/, 'The compiler was killed: it needs about 3 GB of memory.'],
    [
      /dial tcp|no such host|i\/o timeout|proxyconnect|connection refused|TLS handshake|certificate/,
      'The modules could not be fetched: the first build needs the network (see `go env GOPROXY`).',
    ],
  ];
  const hint = hints.find(([pattern]) => pattern.test(stderr))?.[1];
  return [
    `${tool.name} ${tool.version} could not be built.${hint === undefined ? '' : ` ${hint}`}`,
    ...lines.slice(-15).map((line) => `  ${line}`),
  ].join('\n');
}
