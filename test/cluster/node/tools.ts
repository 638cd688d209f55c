import { join } from 'node:path';
import type { GoTool } from '../../support/gobuild.ts';
import { ensureTool, type ToolCacheOptions } from '../../support/toolcache.ts';
import { kubernetesVersion } from '../tools.ts';

/** The paths of the binaries that a node consists of, beside what Debian brings. */
export interface NodeTools {
  readonly kubelet: string;
  readonly kubeProxy: string;
  readonly scheduler: string;
  readonly pause: string;
}

function kubernetesTool(name: string): GoTool {
  return {
    name,
    version: kubernetesVersion,
    package: `k8s.io/kubernetes/cmd/${name}`,
    // Not the module of the control plane: what is new here does not have that built anew.
    moduleDir: join(import.meta.dirname, '..', 'go', 'node'),
    ldflags: `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  };
}

const pauseTool: GoTool = {
  name: 'pause',
  version: 'v1',
  package: '.',
  moduleDir: join(import.meta.dirname, '..', 'go', 'pause'),
  ldflags: '-s -w',
};

/** Built one after the other where the cache lacks them. */
export async function ensureNodeTools(options: ToolCacheOptions): Promise<NodeTools> {
  return {
    kubelet: await ensureTool(kubernetesTool('kubelet'), options),
    kubeProxy: await ensureTool(kubernetesTool('kube-proxy'), options),
    scheduler: await ensureTool(kubernetesTool('kube-scheduler'), options),
    pause: await ensureTool(pauseTool, options),
  };
}
