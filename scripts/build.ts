/** Bundles the operator into one file, dist/operator.mjs: the process that is tested and shipped. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { nodeBundle } from './build/node.ts';

const root = join(import.meta.dirname, '..');

const { metafile } = await build({
  ...nodeBundle,
  entryPoints: [join(root, 'operator/main.ts')],
  outfile: join(root, 'dist/operator.mjs'),
  sourcemap: true,
  metafile: true,
  minify: true,
  keepNames: true,
  legalComments: 'external',
});
// What went into it: the SBOM lists that.
await writeFile(join(root, 'dist/operator.mjs.meta.json'), JSON.stringify(metafile));
