/** Bundles the operator into one file, dist/operator.mjs: the process that is tested and shipped. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

const { metafile } = await build({
  entryPoints: [join(root, 'operator/main.ts')],
  outfile: join(root, 'dist/operator.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  sourcemap: true,
  metafile: true,
  minify: true,
  keepNames: true,
  legalComments: 'external',
  logLevel: 'warning',
  // Dependencies that are CommonJS call require, which an ES module has not.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
// What went into it: the SBOM lists that.
await writeFile(join(root, 'dist/operator.mjs.meta.json'), JSON.stringify(metafile));
