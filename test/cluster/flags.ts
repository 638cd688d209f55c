import { join } from 'node:path';

/** Where a local control plane keeps its things; all below its state directory. */
export interface LocalPaths {
  readonly etcdData: string;
  readonly etcdSocket: string;
  readonly apiserverCerts: string;
  /** Made by kube-apiserver at its first start: the serving certificate and its CA. */
  readonly apiserverCa: string;
  readonly controllerManagerCerts: string;
  readonly controllerManagerCa: string;
  readonly serviceAccountKey: string;
  readonly tokenFile: string;
  readonly adminKubeconfig: string;
  readonly controllerManagerKubeconfig: string;
  readonly auditPolicy: string;
  /** What pods ask the API server for, a line of JSON each; only with a node. */
  readonly auditLog: string;
}

/** Who asked for what, of ServiceAccounts (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/). */
export const auditPolicy = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
});

/** What a control plane with a node has that one without lacks. */
export interface NodeFlags {
  /** Where the API server listens, so that pods reach it. */
  readonly host: string;
  readonly services: string;
  readonly kubeletClientCert: string;
  readonly kubeletClientKey: string;
}

/** TCP ports of 127.0.0.1; with a node the API server's is of the link to it. */
export interface LocalPorts {
  readonly apiserver: number;
  readonly controllerManager: number;
}

/** The controllers without which namespaces do not end, owner references do nothing, tokens are not made. */
const controllers = [
  'namespace-controller',
  'garbage-collector-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'resourcequota-controller',
  'clusterrole-aggregation-controller',
];

export function localPaths(stateDir: string): LocalPaths {
  const apiserverCerts = join(stateDir, 'apiserver-certs');
  const controllerManagerCerts = join(stateDir, 'controller-manager-certs');
  return {
    etcdData: join(stateDir, 'etcd'),
    etcdSocket: join(stateDir, 'etcd.sock'),
    apiserverCerts,
    apiserverCa: join(apiserverCerts, 'apiserver.crt'),
    controllerManagerCerts,
    controllerManagerCa: join(controllerManagerCerts, 'kube-controller-manager.crt'),
    serviceAccountKey: join(stateDir, 'service-account.key'),
    tokenFile: join(stateDir, 'tokens.csv'),
    adminKubeconfig: join(stateDir, 'admin.kubeconfig'),
    controllerManagerKubeconfig: join(stateDir, 'controller-manager.kubeconfig'),
    auditPolicy: join(stateDir, 'audit-policy.json'),
    auditLog: join(stateDir, 'audit.log'),
  };
}

export function etcdFlags(paths: LocalPaths): readonly string[] {
  // A socket in a directory of ours: no port to collide on, and nobody else on the machine can write to it.
  const client = `unix://${paths.etcdSocket}`;
  // One member has no peers, but insists on the listener: port 0 lets the kernel choose.
  const peer = 'http://127.0.0.1:0';
  return [
    `--data-dir=${paths.etcdData}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    // A lone member elects itself after one election time-out: the default of 1 s would be a third of the start.
    '--heartbeat-interval=20',
    '--election-timeout=200',
    '--log-level=warn',
  ];
}

export function apiserverFlags(paths: LocalPaths, ports: LocalPorts, node?: NodeFlags): readonly string[] {
  const host = node?.host ?? '127.0.0.1';
  return [
    `--etcd-servers=unix://${paths.etcdSocket}`,
    `--bind-address=${host}`,
    `--secure-port=${ports.apiserver}`,
    `--cert-dir=${paths.apiserverCerts}`,
    `--advertise-address=${host}`,
    ...(node === undefined
      ? [
          // A loopback address is no valid endpoint of the `kubernetes` Service, and no pod is there to use it.
          '--endpoint-reconciler-type=none',
          '--service-cluster-ip-range=10.0.0.0/24',
        ]
      : [
          `--service-cluster-ip-range=${node.services}`,
          '--allow-privileged',
          '--kubelet-preferred-address-types=InternalIP',
          `--kubelet-client-certificate=${node.kubeletClientCert}`,
          `--kubelet-client-key=${node.kubeletClientKey}`,
          `--audit-policy-file=${paths.auditPolicy}`,
          `--audit-log-path=${paths.auditLog}`,
          // As on OpenShift: whoever makes an owner wait for an object needs a right on the owner's finalizers.
          '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
        ]),
    '--authorization-mode=RBAC',
    `--token-auth-file=${paths.tokenFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${paths.serviceAccountKey}`,
    `--service-account-signing-key-file=${paths.serviceAccountKey}`,
  ];
}

export function controllerManagerFlags(
  paths: LocalPaths,
  ports: LocalPorts,
  node?: NodeFlags,
): readonly string[] {
  return [
    `--kubeconfig=${paths.controllerManagerKubeconfig}`,
    `--controllers=${node === undefined ? controllers.join(',') : '*'}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.controllerManager}`,
    `--cert-dir=${paths.controllerManagerCerts}`,
    `--service-account-private-key-file=${paths.serviceAccountKey}`,
    `--root-ca-file=${paths.apiserverCa}`,
    // Tests delete whole namespaces of objects: the default 20 requests a second would be what they measure.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
}
