/** Writes dist/sbom.cdx.json and dist/licenses.txt: what is in the bundle, in CycloneDX, and under which terms. npm run build must have run. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { isLicenseFile, licensesText } from './image/licenses.ts';
import { bundledSbom, packageFolder, type Sbom } from './image/sbom.ts';

const root = join(import.meta.dirname, '..');
const { inputs } = JSON.parse(await readFile(join(root, 'dist/operator.mjs.meta.json'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, unknown>>;
};
// Of all that is installed: with --omit dev, npm 11 also leaves out what development needs as well.
const listed = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
const folders = new Set(
  Object.keys(inputs)
    .map(packageFolder)
    .filter((folder) => folder !== undefined),
);
const bundled = await Promise.all(
  [...folders].map(async (folder) => {
    const { license, name, version } = JSON.parse(
      await readFile(join(root, folder, 'package.json'), 'utf8'),
    ) as { readonly name: string; readonly version: string; readonly license?: string };
    const files = (await readdir(join(root, folder))).filter(isLicenseFile).sort();
    const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
    return { id: `${name}@${version}`, license, texts };
  }),
);
const bill = bundledSbom({
  sbom: JSON.parse(listed) as Sbom,
  bundled: bundled.map(({ id }) => id),
  name: manifest.name,
});
await writeFile(join(root, 'dist/sbom.cdx.json'), `${JSON.stringify(bill, undefined, 2)}\n`);
await writeFile(join(root, 'dist/licenses.txt'), licensesText(bundled));
console.log(`wrote dist/sbom.cdx.json: ${bill.components.length} components`);
