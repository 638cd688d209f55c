import { basename } from 'node:path';
import type { CommandRunner } from '../support/command.ts';
import { attachExisting } from './existing.ts';
import type { ControlPlaneRecord } from './handle.ts';

interface KindOptions {
  readonly run: CommandRunner;
  readonly env: Readonly<Record<string, string>>;
  readonly kubectlPath: string;
  readonly stateDir: string;
}

const startWithinMs = 600_000;

/**
 * Makes a kind cluster with a name of its own, its kubeconfig in `stateDir` and not in the user's. Rejects
 * with what to install where Docker or kind is missing. When creation fails, kind itself removes what it made.
 */
export async function startKind(options: KindOptions): Promise<ControlPlaneRecord> {
  const { run, env, stateDir } = options;
  await requireKind(run, env);
  const kubeconfig = `${stateDir}/kind.kubeconfig`;
  const created = await run(
    'kind',
    ['create', 'cluster', `--name=${kindName(stateDir)}`, `--kubeconfig=${kubeconfig}`, '--wait=120s'],
    { env, timeoutMs: startWithinMs },
  );
  if (created.code !== 0) {
    throw new Error(`CLUSTER=kind: kind could not make the cluster:\n${created.stderr.trim()}`);
  }
  const record = await attachExisting({ ...options, env: { ...env, KUBECONFIG: kubeconfig } });
  return { ...record, mode: 'kind' };
}

/** Deletes the cluster that `startKind` made for this state directory; one that is gone is no error. */
export async function deleteKind(options: Pick<KindOptions, 'run' | 'env' | 'stateDir'>): Promise<void> {
  const { run, env, stateDir } = options;
  const deleted = await run(
    'kind',
    ['delete', 'cluster', `--name=${kindName(stateDir)}`, `--kubeconfig=${stateDir}/kind.kubeconfig`],
    { env, timeoutMs: startWithinMs },
  );
  if (deleted.code !== 0) {
    throw new Error(`CLUSTER=kind: kind could not delete ${kindName(stateDir)}:\n${deleted.stderr.trim()}`);
  }
}

/** Makes an image known to the nodes of the cluster that `startKind` made for this state directory. */
export async function loadIntoKind(
  options: Pick<KindOptions, 'run' | 'env' | 'stateDir'> & { readonly archive: string },
): Promise<void> {
  const { archive, run, env, stateDir } = options;
  const loaded = await run('kind', ['load', 'image-archive', archive, `--name=${kindName(stateDir)}`], {
    env,
    timeoutMs: startWithinMs,
  });
  if (loaded.code !== 0) {
    throw new Error(`CLUSTER=kind: kind could not load ${archive}:\n${loaded.stderr.trim()}`);
  }
}

/** A name from the state directory's, in the letters that kind takes. */
function kindName(stateDir: string): string {
  return `idhub-${basename(stateDir)}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
}

async function requireKind(run: CommandRunner, env: Readonly<Record<string, string>>): Promise<void> {
  const otherwise = 'Or unset CLUSTER: a local control plane needs neither.';
  const docker = await run('docker', ['version', '--format={{.Server.Version}}'], { env, timeoutMs: 30_000 });
  if (docker.code === 127) {
    throw new Error(
      `CLUSTER=kind needs Docker, and there is no \`docker\` on the PATH: install it (https://docs.docker.com/engine/install/). ${otherwise}`,
    );
  }
  if (docker.code !== 0) {
    throw new Error(
      `CLUSTER=kind needs a Docker daemon that answers: start it, and see that you may use it. ` +
        `${otherwise}\ndocker said: ${docker.stderr.trim()}`,
    );
  }
  const kind = await run('kind', ['version'], { env, timeoutMs: 30_000 });
  if (kind.code !== 0) {
    throw new Error(
      'CLUSTER=kind needs kind, and there is no `kind` on the PATH: install it ' +
        `(https://kind.sigs.k8s.io/docs/user/quick-start/#installation). ${otherwise}`,
    );
  }
}
