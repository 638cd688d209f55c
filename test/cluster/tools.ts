import { join } from 'node:path';
import type { GoTool } from '../support/gobuild.ts';
import { ensureTool, type ToolCacheOptions } from '../support/toolcache.ts';

export const kubernetesVersion = 'v1.36.3';
export const etcdVersion = 'v3.7.3';

/** The paths of the binaries that a local control plane consists of. */
export interface ControlPlaneTools {
  readonly etcd: string;
  readonly apiserver: string;
  readonly controllerManager: string;
  readonly kubectl: string;
}

function kubernetesTool(name: string): GoTool {
  return {
    name,
    version: kubernetesVersion,
    package: `k8s.io/kubernetes/cmd/${name}`,
    moduleDir: join(import.meta.dirname, 'go', 'kubernetes'),
    // A build that does not come from Kubernetes' own scripts knows no version, and clients that parse
    // the server's version fail on that.
    ldflags: `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  };
}

const etcdTool: GoTool = {
  name: 'etcd',
  version: etcdVersion,
  package: 'go.etcd.io/etcd/server/v3',
  moduleDir: join(import.meta.dirname, 'go', 'etcd'),
  ldflags: '-s -w',
};

/** The binaries, built one after the other where the cache lacks them. */
export async function ensureControlPlaneTools(options: ToolCacheOptions): Promise<ControlPlaneTools> {
  return {
    etcd: await ensureTool(etcdTool, options),
    apiserver: await ensureTool(kubernetesTool('kube-apiserver'), options),
    controllerManager: await ensureTool(kubernetesTool('kube-controller-manager'), options),
    kubectl: await ensureKubectl(options),
  };
}

/** kubectl of the server's own version: an older one warns of skew. */
export function ensureKubectl(options: ToolCacheOptions): Promise<string> {
  return ensureTool(kubernetesTool('kubectl'), options);
}
