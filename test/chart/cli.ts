/** Makes the images that test:chart runs, for a cluster that they are not loaded into: `npm run chart:images -- FOLDER`. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Podman } from '../image/podman.ts';
import { makeImages } from './images.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined || folder.startsWith('-')) {
  console.error(
    'Usage: npm run chart:images -- FOLDER\n\nWrites operator.tar and simulator.tar, as podman save does.',
  );
  process.exitCode = 2;
} else {
  const podman = new Podman();
  try {
    mkdirSync(folder, { recursive: true });
    console.log((await makeImages(podman, resolve(folder))).join('\n'));
  } finally {
    await podman.remove();
  }
}
