import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runCommand, type CommandResult } from '../support/command.ts';
import { ensureEntry, sha256, type EntryState, type ToolCacheOptions } from '../support/toolcache.ts';
import { linkHome, runServer } from './server.ts';

export const keycloakVersion = '26.7.3';
const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`;
/** SHA-256 of the artifact, as it was first fetched. */
const artifactDigest = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f';
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';

/**
 * What Keycloak is built for. The exchange of tokens between realms is its legacy one, which decides by the
 * first version of its fine-grained permissions.
 */
const buildFlags = [
  '--db=dev-file',
  '--cache=local',
  '--http-relative-path=/auth',
  '--features=token-exchange,admin-fine-grained-authz:v1',
] as const;

/** Of a Keycloak that listens on 127.0.0.1 and ends with its test. */
export const administrator = { username: 'admin', password: 'admin-of-a-test' } as const;

export interface Distribution {
  /** Unpacked and built; never written to again. */
  readonly home: string;
  /** Databases of a Keycloak that has started once: the master realm and its administrator. */
  readonly seed: string;
}

/**
 * Keycloak from Maven Central, unpacked, built and started once, kept outside the tree by version and recipe
 * (about three minutes, once). Every file is checked before each use.
 */
export async function ensureKeycloak(options: ToolCacheOptions): Promise<Distribution> {
  const recipe = createHash('sha256')
    .update(JSON.stringify([artifactDigest, buildFlags, administrator]))
    .digest('hex')
    .slice(0, 16);
  const entry = await ensureEntry({
    ...options,
    name: `keycloak-${keycloakVersion}-${recipe}`,
    label: `Keycloak ${keycloakVersion}`,
    work: ['made', 'making'],
    state: stateOf,
    make: (draft) => make(draft, options.log),
  });
  return { home: join(entry, 'home'), seed: join(entry, 'seed') };
}

async function make(draft: string, log: (line: string) => void): Promise<void> {
  log(`Keycloak ${keycloakVersion}: fetching it from Maven Central (177 MB) ...`);
  const download = join(draft, 'download');
  await run('Maven', 'mvn', [
    '-B',
    '-q',
    copyGoal,
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${download}`,
  ]);
  const [archive = ''] = await readdir(download);
  const digest = await sha256(join(download, archive));
  if (digest !== artifactDigest) {
    throw new Error(`${artifact} is not what it was: its SHA-256 is ${digest}, not ${artifactDigest}`);
  }
  await run('Python', 'python3', ['-m', 'zipfile', '-e', join(download, archive), download]);
  const home = join(draft, 'home');
  await cp(join(download, `keycloak-${keycloakVersion}`), home, { recursive: true });
  await rm(download, { recursive: true });
  log(`Keycloak ${keycloakVersion}: building it (about a minute) ...`);
  await runServer(home, ['build', ...buildFlags]);
  log(`Keycloak ${keycloakVersion}: starting it once ...`);
  const first = join(draft, 'first');
  await linkHome({ home, seed: undefined }, first);
  await runServer(
    first,
    ['bootstrap-admin', 'user', '--optimized', '--username=admin', '--password:env=KC_TEST_PASSWORD'],
    {
      KC_TEST_PASSWORD: administrator.password,
    },
  );
  await mkdir(join(draft, 'seed'));
  await cp(join(first, 'data', 'h2'), join(draft, 'seed', 'h2'), { recursive: true });
  await rm(first, { recursive: true });
  await writeFile(join(draft, 'digest'), await treeDigest(draft));
}

async function run(what: string, command: string, args: readonly string[]): Promise<CommandResult> {
  const env = Object.fromEntries(
    ['PATH', 'HOME', 'JAVA_HOME'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const result = await runCommand(command, args, { env, timeoutMs: 600_000 });
  if (result.code !== 0) {
    const hint = result.code === 127 ? ` ${what} is needed for tests with Keycloak, as is Java 17.` : '';
    throw new Error(`${command} ended with ${result.code}.${hint}\n${result.stdout}\n${result.stderr}`);
  }
  return result;
}

async function stateOf(folder: string): Promise<EntryState> {
  try {
    await readdir(folder);
  } catch {
    return 'absent';
  }
  try {
    return (await readFile(join(folder, 'digest'), 'utf8')) === (await treeDigest(folder))
      ? 'intact'
      : 'damaged';
  } catch {
    return 'damaged';
  }
}

/** Of the names and contents of all files but the digest's own. */
async function treeDigest(folder: string): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .filter((path) => path !== join(folder, 'digest'))
    .toSorted();
  const hash = createHash('sha256');
  for (const path of files) {
    hash.update(`${relative(folder, path)}\0${await sha256(path)}\0`);
  }
  return hash.digest('hex');
}
