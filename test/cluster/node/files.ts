import { join } from 'node:path';
import { stringify } from 'yaml';
import type { NodeNetwork } from './network.ts';
import { cniDir } from './requirements.ts';

export const pauseImage = 'localhost/idhub-pause:1';

/** Where a node keeps its things, all below its own directory. */
export interface NodePaths {
  readonly dir: string;
  /** Made when the network of the node is there. */
  readonly networkReady: string;
  /** Made when the API server answers: the node may begin. */
  readonly go: string;
  readonly containerdSocket: string;
  readonly containerdConfig: string;
  readonly cniDir: string;
  readonly kubeletConfig: string;
  readonly nodeKubeconfig: string;
  readonly proxyKubeconfig: string;
  readonly kubeletClientCert: string;
  readonly kubeletClientKey: string;
  readonly resolvConf: string;
  readonly log: (program: string) => string;
}

export function nodePaths(stateDir: string): NodePaths {
  const dir = join(stateDir, 'node');
  return {
    dir,
    networkReady: join(dir, 'network-ready'),
    go: join(dir, 'go'),
    containerdSocket: join(dir, 'containerd.sock'),
    containerdConfig: join(dir, 'containerd.toml'),
    cniDir: join(dir, 'cni'),
    kubeletConfig: join(dir, 'kubelet.yaml'),
    nodeKubeconfig: join(dir, 'node.kubeconfig'),
    proxyKubeconfig: join(dir, 'proxy.kubeconfig'),
    kubeletClientCert: join(dir, 'kubelet-client.crt'),
    kubeletClientKey: join(dir, 'kubelet-client.key'),
    resolvConf: join(dir, 'resolv.conf'),
    log: (program) => join(stateDir, `${program}.log`),
  };
}

export const kubeletPort = 10_250;
export const kubeletHealthPort = 10_248;

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
export function kubeletConfig(paths: NodePaths, network: NodeNetwork, cgroup: string): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: network.node,
    port: kubeletPort,
    readOnlyPort: 0,
    healthzBindAddress: network.node,
    healthzPort: kubeletHealthPort,
    // Only the API server has a certificate, and whoever has it may do all.
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: paths.kubeletClientCert },
    },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    containerRuntimeEndpoint: `unix://${paths.containerdSocket}`,
    resolvConf: paths.resolvConf,
    podLogsDir: join(paths.dir, 'pod-logs'),
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi' },
    nodeStatusUpdateFrequency: '5s',
  });
}

/** Pods get addresses of one bridge inside the node's network. */
export function cniConfig(paths: NodePaths, network: NodeNetwork): string {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'idhub',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods',
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(paths.dir, 'ipam'),
          ranges: [[{ subnet: network.pods, gateway: network.podGateway }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

/** Containerd 1.6 and 1.7 (https://github.com/containerd/containerd/blob/main/docs/cri/config.md). */
export function containerdConfig(paths: NodePaths): string {
  return `version = 2
root = "${paths.dir}/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "${paths.containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniDir}"
    conf_dir = "${paths.cniDir}"
`;
}

/**
 * The first process of the node, in namespaces of its own: what it mounts, its network and all that runs in it
 * are gone when it ends.
 */
export function initScript(options: {
  readonly paths: NodePaths;
  readonly network: NodeNetwork;
  readonly kubelet: string;
  readonly kubeProxy: string;
}): string {
  const { paths, network, kubelet, kubeProxy } = options;
  const { dir } = paths;
  return `set -eu
mount --make-rprivate /
mount --make-rshared /
for each in /run /var/lib /var/log; do mount -t tmpfs tmpfs $each; done
mkdir -p /run/netns /var/lib/kubelet /var/log/containers
ip link set lo up
until ip link show ${network.link}n >/dev/null 2>&1; do sleep 0.02; done
ip addr add ${network.node}/30 dev ${network.link}n
ip link set ${network.link}n up
ip route add default via ${network.host}
echo 1 > /proc/sys/net/ipv4/ip_forward
touch ${dir}/network-ready
until [ -e ${dir}/go ]; do sleep 0.02; done
containerd --config ${paths.containerdConfig} >> ${paths.log('containerd')} 2>&1 &
until ctr -a ${paths.containerdSocket} version >/dev/null 2>&1; do sleep 0.05; done
${kubelet} --config=${paths.kubeletConfig} --kubeconfig=${paths.nodeKubeconfig} --node-ip=${network.node} \\
  --hostname-override=node --root-dir=${dir}/kubelet --cert-dir=${dir}/kubelet-certs >> ${paths.log('kubelet')} 2>&1 &
${kubeProxy} --kubeconfig=${paths.proxyKubeconfig} --proxy-mode=iptables --conntrack-max-per-core=0 \\
  --hostname-override=node --cluster-cidr=${network.pods} --healthz-bind-address=127.0.0.1:10256 \\
  --metrics-bind-address=127.0.0.1:10249 >> ${paths.log('kube-proxy')} 2>&1 &
wait
`;
}
