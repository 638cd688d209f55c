import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { baseImage, makeBaseImages } from '../image/base.ts';
import { runImageScript } from '../image/build.ts';
import type { Podman } from '../image/podman.ts';

export const operatorRepository = 'localhost/idhub-aws-connector';
export const operatorTag = 'test';
export const simulatorImage = 'localhost/idhub-aws-simulator:test';

/** Builds the operator's image as `npm run image` does, and one of the simulator. @returns their archives */
export async function makeImages(podman: Podman): Promise<readonly string[]> {
  await makeBaseImages(podman);
  const operator = join(podman.dir, 'operator.tar');
  const built = await runImageScript(podman, [
    `--tag=${operatorRepository}:${operatorTag}`,
    `--sbom=${podman.dir}/sbom.json`,
    `--archive=${operator}`,
  ]);
  if (built.code !== 0) {
    throw new Error(`npm run image: ${built.stdout}${built.stderr}`);
  }

  const context = join(podman.dir, 'simulator');
  mkdirSync(context);
  await build({
    entryPoints: [join(import.meta.dirname, 'simulator-pod.ts')],
    outfile: join(context, 'simulator.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  cpSync(join(import.meta.dirname, '../simulator/model/constraints.json'), join(context, 'constraints.json'));
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${baseImage}\nCOPY simulator.mjs constraints.json /app/\nUSER 65532:65532\nENTRYPOINT ["node", "/app/simulator.mjs"]\n`,
  );
  await podman.must(['build', '--isolation=chroot', '--layers=false', `--tag=${simulatorImage}`, context]);
  const simulator = join(podman.dir, 'simulator.tar');
  await podman.must(['save', '--format=docker-archive', `--output=${simulator}`, simulatorImage]);
  return [operator, simulator];
}
