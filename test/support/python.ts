import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from './process.ts';
import { cacheRoot } from './toolcache.ts';

/** A Python with the packages of a requirements file. */
export interface PythonEnvironment {
  /** Path of the interpreter; programs are run with `-m`, since scripts carry the path they were made at. */
  readonly python: string;
}

/** The package client's own settings: mirrors, certificates and proxies of the machine. */
const packageClientVariables =
  /^(?:PIP_.*|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE)$/iu;

const completeMarker = '.complete';

export interface PythonPackages {
  /** Names the environment: letters, digits, `-`. */
  readonly name: string;
  /** A requirements file with hashes. */
  readonly requirements: URL;
  /** Modules that can be imported where it is whole. */
  readonly modules: readonly string[];
}

/**
 * Gives the virtual environment for a requirements file, making it on first use. It lives in the cache folder
 * (see `cacheRoot`), keyed by the file's content, and appears there whole or not at all, so concurrent and
 * interrupted runs do no harm.
 *
 * @throws when Python 3 with venv is missing or a package cannot be installed; the message carries the
 * last lines of the tool's output.
 */
export async function pythonEnvironment(packages: PythonPackages): Promise<PythonEnvironment> {
  const { name, modules } = packages;
  const requirements = packages.requirements.pathname;
  const cache = cacheRoot(process.env);
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, `venv-${name}-${hash}`);
  const python = join(folder, 'bin', 'python');
  if (await works(folder, python, modules)) {
    return { python };
  }
  console.error(`making the Python environment of ${name} in ${folder} (once; about half a minute) …`);
  const started = Date.now();
  const making = `${folder}.${randomUUID()}`;
  try {
    await mkdir(cache, { recursive: true });
    await run('python3', ['-m', 'venv', making], 'is Python 3 with its venv module installed?');
    await run(
      join(making, 'bin', 'python'),
      ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:', '-r', requirements],
      'can the Python package registry be reached?',
    );
    await writeFile(join(making, completeMarker), '');
    await rename(making, folder).catch(async () => {
      // Something is there: what somebody else made meanwhile is as good, a broken one gives way.
      if (!(await works(folder, python, modules))) {
        await rm(folder, { recursive: true, force: true });
        await rename(making, folder);
      }
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  console.error(`made the Python environment of ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  return { python };
}

async function works(folder: string, python: string, modules: readonly string[]): Promise<boolean> {
  const complete = await readFile(join(folder, completeMarker)).then(
    () => true,
    () => false,
  );
  return complete && (await startProcess(python, ['-c', `import ${modules.join(', ')}`]).exited) === 0;
}

async function run(command: string, args: readonly string[], hint: string): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value !== undefined && packageClientVariables.test(key) ? [[key, value]] : [],
    ),
  );
  const running = startProcess(command, args, { env });
  const code = await running.exited;
  if (code !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${code} (${hint}):\n${running.lines.slice(-20).join('\n')}`,
    );
  }
}
