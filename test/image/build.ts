import { join } from 'node:path';
import { runCommand, type CommandResult } from '../support/command.ts';
import { baseImage, buildImage } from './base.ts';
import type { Podman } from './podman.ts';

const root = join(import.meta.dirname, '../..');

/** `npm run image` on the images of `makeBaseImages`, with what is installed here, so that nothing is fetched. */
export function runImageScript(podman: Podman, args: readonly string[]): Promise<CommandResult> {
  return runCommand(
    process.execPath,
    [
      join(root, 'scripts/image.ts'),
      '--with=podman',
      `--base=${baseImage}`,
      `--build-image=${buildImage}`,
      ...args,
      '--',
      '--isolation=chroot',
      // A layer for each step would be one more copy of all files, with this storage.
      '--layers=false',
      `--volume=${join(root, 'node_modules')}:/build/node_modules:ro`,
    ],
    { env: podman.env },
  );
}
