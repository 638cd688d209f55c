import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandRunner } from '../../support/command.ts';
import { goPlatform } from '../../support/toolcache.ts';
import { plainEnvironment } from '../../support/process.ts';
import { pauseImage } from './files.ts';

/**
 * The image that holds the namespaces of a pod, as an archive of the form of `docker save`: one layer with the one
 * file that it consists of.
 * @returns the path of the archive
 */
export async function makePauseImage(options: {
  readonly dir: string;
  readonly pause: string;
  readonly run: CommandRunner;
}): Promise<string> {
  const { dir, pause, run } = options;
  const image = join(dir, 'pause-image');
  const archive = join(dir, 'pause.tar');
  const tar = async (file: string, from: string, names: readonly string[]): Promise<void> => {
    const result = await run('tar', ['-c', '--owner=0', '--group=0', '-f', file, '-C', from, ...names], {
      env: { ...plainEnvironment },
    });
    if (result.code !== 0) {
      throw new Error(`tar: ${result.stderr.trim()}`);
    }
  };
  mkdirSync(join(image, 'root'), { recursive: true });
  cpSync(pause, join(image, 'root', 'pause'));
  await tar(join(image, 'layer.tar'), join(image, 'root'), ['pause']);
  const { arch } = goPlatform(process.platform, process.arch);
  const layer = createHash('sha256')
    .update(readFileSync(join(image, 'layer.tar')))
    .digest('hex');
  const config = {
    architecture: arch,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  };
  writeFileSync(join(image, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [pauseImage], Layers: ['layer.tar'] }];
  writeFileSync(join(image, 'manifest.json'), JSON.stringify(manifest));
  await tar(archive, image, ['manifest.json', 'config.json', 'layer.tar']);
  rmSync(image, { recursive: true });
  return archive;
}
