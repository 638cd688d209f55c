import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../test/support/process.ts';

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'dist/operator.mjs');

/** The operator's bundle, built anew where a source is newer; rejects with the bundler's words. */
export async function currentBundle(): Promise<string> {
  const builtAt = await changedAt(bundle);
  const sources = ['package.json', 'scripts/build.ts'].map((file) => join(root, file));
  for (const folder of ['src', 'operator']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    sources.push(...entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name)));
  }
  const newest = Math.max(...(await Promise.all(sources.map(changedAt))));
  if (builtAt <= newest) {
    const build = startProcess(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
    if ((await build.exited) !== 0) {
      throw new Error(`the operator cannot be built:\n${build.lines.join('\n')}`);
    }
  }
  return bundle;
}

async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
