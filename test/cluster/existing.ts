import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandRunner } from '../support/command.ts';
import type { ControlPlaneRecord } from './handle.ts';

interface KubeconfigView {
  readonly clusters?: readonly {
    readonly cluster?: { readonly server?: string; readonly 'certificate-authority-data'?: string };
  }[];
}

const timeoutMs = 30_000;

/**
 * The cluster of the caller's kubeconfig (`KUBECONFIG`, or the default one), its current context written
 * alone into `stateDir`. Rejects with a sentence when there is none or it does not answer. Changes nothing
 * in the cluster.
 */
export async function attachExisting(options: {
  readonly run: CommandRunner;
  readonly env: Readonly<Record<string, string>>;
  readonly kubectlPath: string;
  readonly stateDir: string;
}): Promise<ControlPlaneRecord> {
  const { run, env, kubectlPath, stateDir } = options;
  const source = env['KUBECONFIG'] ?? '~/.kube/config';
  const refuse = (what: string, stderr: string): never => {
    const said = stderr.trim().split('\n').at(-1) ?? '';
    throw new Error(
      `CLUSTER=existing: ${what} (kubeconfig: ${source}): ${said}. ` +
        'Point KUBECONFIG at a cluster that answers, or unset CLUSTER for a local control plane.',
    );
  };

  const view = await run(kubectlPath, ['config', 'view', '--raw', '--minify', '--flatten', '--output=json'], {
    env,
    timeoutMs,
  });
  if (view.code !== 0) {
    return refuse('there is no current context', view.stderr);
  }
  const kubeconfigPath = join(stateDir, 'admin.kubeconfig');
  writeFileSync(kubeconfigPath, view.stdout, { mode: 0o600 });
  const { server = '', 'certificate-authority-data': caData = '' } =
    (JSON.parse(view.stdout) as KubeconfigView).clusters?.[0]?.cluster ?? {};

  const answer = await run(kubectlPath, ['get', '--raw', '/version', '--request-timeout=10s'], {
    env: { ...env, KUBECONFIG: kubeconfigPath },
    timeoutMs,
  });
  if (answer.code !== 0) {
    return refuse(`the cluster at ${server} does not answer`, answer.stderr);
  }
  return { mode: 'existing', kubeconfigPath, server, caData, stateDir, kubectlPath, node: true };
}
