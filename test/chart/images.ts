import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { nodeBundle } from '../../scripts/build/node.ts';
import { baseImage, makeBaseImages } from '../image/base.ts';
import { runImageScript } from '../image/build.ts';
import type { ClusterMode } from '../cluster/index.ts';
import type { Podman } from '../image/podman.ts';

/** Where images are as they are made here; nobody can pull from there. */
export const here = 'localhost';
export const operatorName = 'idhub-aws-connector';
export const simulatorName = 'idhub-aws-simulator';
export const tag = 'test';

/**
 * Builds the operator's image as `npm run image` does, and one of the simulator.
 * @param folder where their archives go
 * @returns the archives
 */
export async function makeImages(podman: Podman, folder: string = podman.dir): Promise<readonly string[]> {
  await makeBaseImages(podman);
  const operator = join(folder, 'operator.tar');
  const built = await runImageScript(podman, [
    `--tag=${here}/${operatorName}:${tag}`,
    `--sbom=${podman.dir}/sbom.json`,
    `--archive=${operator}`,
  ]);
  if (built.code !== 0) {
    throw new Error(`npm run image: ${built.stdout}${built.stderr}`);
  }

  const context = join(podman.dir, 'simulator');
  mkdirSync(context);
  await build({
    ...nodeBundle,
    entryPoints: [join(import.meta.dirname, 'simulator-pod.ts')],
    outfile: join(context, 'simulator.mjs'),
  });
  cpSync(join(import.meta.dirname, '../simulator/model/constraints.json'), join(context, 'constraints.json'));
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${baseImage}\nCOPY simulator.mjs constraints.json /app/\nUSER 65532:65532\nENTRYPOINT ["node", "/app/simulator.mjs"]\n`,
  );
  const image = `${here}/${simulatorName}:${tag}`;
  await podman.must(['build', '--isolation=chroot', '--layers=false', `--tag=${image}`, context]);
  const simulator = join(folder, 'simulator.tar');
  await podman.must(['save', '--format=docker-archive', `--output=${simulator}`, image]);
  return [operator, simulator];
}

/** What pods are started from. */
export interface Images {
  readonly operator: { readonly repository: string; readonly tag: string };
  readonly simulator: string;
  readonly pullPolicy: 'Never' | 'IfNotPresent';
  /** Whether they are made here, and loaded. */
  readonly made: boolean;
}

/**
 * Where a cluster has them from: made here and loaded into a cluster of ours. Into somebody's cluster nothing is
 * loaded, and `CLUSTER_IMAGES` says where they are.
 * @throws {Error} where it does not
 */
export function imagesOf(mode: ClusterMode, environment: NodeJS.ProcessEnv): Images {
  const given = environment['CLUSTER_IMAGES'] ?? '';
  if (mode === 'existing' && given === '') {
    throw new Error(
      'CLUSTER=existing: images are not loaded into a cluster of yours. Make them (node test/chart/cli.ts FOLDER), ' +
        `and say where they are: CLUSTER_IMAGES=REGISTRY where ${operatorName}:${tag} and ${simulatorName}:${tag} ` +
        'were pushed to, or CLUSTER_IMAGES=loaded where its nodes have the archives',
    );
  }
  const pulled = mode === 'existing' && given !== 'loaded';
  const from = pulled ? given.replace(/\/+$/, '') : here;
  return {
    operator: { repository: `${from}/${operatorName}`, tag },
    simulator: `${from}/${simulatorName}:${tag}`,
    pullPolicy: pulled ? 'IfNotPresent' : 'Never',
    made: mode !== 'existing',
  };
}
