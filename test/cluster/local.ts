import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freePort } from '../support/process.ts';
import { ComponentFailedError, LocalComponent } from './component.ts';
import {
  apiserverFlags,
  auditPolicy,
  controllerManagerFlags,
  etcdFlags,
  localPaths,
  type LocalPaths,
  type LocalPorts,
} from './flags.ts';
import { Guard } from './guard.ts';
import { tokenKubeconfig } from './kubeconfig.ts';
import { probe } from './probe.ts';
import {
  LocalNode,
  nodeHealthy,
  schedulerReady,
  type NodeComponentName,
  type NodeTools,
  type RecordedNode,
} from './node/index.ts';
import type { ControlPlaneTools } from './tools.ts';

export type ComponentName = 'etcd' | 'apiserver' | 'controllerManager';

/** A control plane of processes of ours. */
export interface LocalControlPlane {
  readonly kubeconfigPath: string;
  readonly server: string;
  readonly caData: string;
  readonly ports: LocalPorts;
  readonly components: Readonly<Record<ComponentName, LocalComponent>>;
  /** Where it has one. */
  readonly node: LocalNode | undefined;
  /** Everything gone: the signals are sent and files removed before this returns its promise. */
  stop(): Promise<void>;
  /** From now on it outlives this process. */
  release(): void;
}

const attempts = 5;

/**
 * Starts etcd, kube-apiserver and kube-controller-manager with their state below `stateDir`, which must
 * exist and be empty. They end with this process, however it ends, unless released. A port that somebody
 * took in between is a reason to try again with others.
 */
export async function startLocal(options: {
  readonly stateDir: string;
  readonly tools: ControlPlaneTools;
  /** Given: with a node that takes pods. */
  readonly nodeTools?: NodeTools | undefined;
}): Promise<LocalControlPlane> {
  // sockaddr_un has room for 104 bytes on macOS and 108 on Linux, with the final zero.
  if (Buffer.byteLength(localPaths(options.stateDir).etcdSocket) > 103) {
    throw new Error(`${options.stateDir} is too long a path for a socket: set TMPDIR to a shorter one`);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryStart(options.stateDir, options.tools, options.nodeTools);
    } catch (error) {
      if (!(error instanceof ComponentFailedError && error.portTaken) || attempt === attempts) {
        throw error;
      }
      mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
    }
  }
}

async function tryStart(
  stateDir: string,
  tools: ControlPlaneTools,
  nodeTools: NodeTools | undefined,
): Promise<LocalControlPlane> {
  const paths = localPaths(stateDir);
  const ports: LocalPorts = { apiserver: await freePort(), controllerManager: await freePort() };
  const tokens = newTokens();
  writeSecrets(paths, tokens);

  const guard = new Guard(stateDir);
  const onChange = (): void => {
    const running = [...Object.values(components), ...Object.values(node?.components ?? {})].filter(
      (component) => component.running,
    );
    guard.watch(running.map((component) => component.pid));
  };
  const node =
    nodeTools === undefined ? undefined : await LocalNode.make({ stateDir, tools: nodeTools, onChange });
  const host = node?.network.host ?? '127.0.0.1';
  const nodeFlags = node && { host, services: node.network.services, ...node.paths };
  const server = `https://${host}:${ports.apiserver}`;
  const component = (name: ComponentName, command: string, args: readonly string[]): LocalComponent =>
    new LocalComponent({
      name: basename(command),
      command,
      args,
      logFile: join(stateDir, `${basename(command)}.log`),
      ready: () => componentReady(name, stateDir, { ports, node: node?.recorded }),
      onChange,
    });
  const components = {
    etcd: component('etcd', tools.etcd, etcdFlags(paths)),
    apiserver: component('apiserver', tools.apiserver, apiserverFlags(paths, ports, nodeFlags)),
    controllerManager: component(
      'controllerManager',
      tools.controllerManager,
      controllerManagerFlags(paths, ports, nodeFlags),
    ),
  };
  const stop = async (): Promise<void> => {
    const killed = [...Object.values(components), ...(node === undefined ? [] : [node])].map((each) =>
      each.stop(),
    );
    removeDir(stateDir);
    await Promise.all(killed);
    // What a process wrote between its signal and its end. In a handler of `exit` it does not come to
    // this, and the guard does it.
    removeDir(stateDir);
    guard.dismiss();
  };

  try {
    await node?.start();
    await components.etcd.start();
    await components.apiserver.start();
    const caData = readFileSync(paths.apiserverCa).toString('base64');
    for (const [path, user, token] of [
      [paths.adminKubeconfig, 'admin', tokens.admin],
      [paths.controllerManagerKubeconfig, 'kube-controller-manager', tokens.controllerManager],
      ...(node === undefined
        ? []
        : ([
            [`${node.paths.dir}/scheduler.kubeconfig`, 'kube-scheduler', tokens.scheduler],
            [node.paths.proxyKubeconfig, 'kube-proxy', tokens.proxy],
            [node.paths.nodeKubeconfig, 'node', tokens.node],
          ] as const)),
    ] as const) {
      writeFileSync(path, tokenKubeconfig({ server, caData, user, token }), { mode: 0o600 });
    }
    await components.controllerManager.start();
    await node?.join(() => nodeIsReady(server, caData, tokens.admin));
    return {
      kubeconfigPath: paths.adminKubeconfig,
      server,
      caData,
      ports,
      components,
      node,
      stop,
      release: () => guard.release(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const tokenUsers = {
  admin: 'admin',
  controllerManager: 'system:kube-controller-manager',
  scheduler: 'system:kube-scheduler',
  proxy: 'system:kube-proxy',
  node: 'system:node:node',
} as const;

type Tokens = Readonly<Record<keyof typeof tokenUsers, string>>;

function newTokens(): Tokens {
  const token = (): string => randomBytes(24).toString('hex');
  return {
    admin: token(),
    controllerManager: token(),
    scheduler: token(),
    proxy: token(),
    node: token(),
  };
}

/** Whether there is a node, and it takes pods. */
async function nodeIsReady(server: string, caData: string, token: string): Promise<boolean> {
  const ca = Buffer.from(caData, 'base64').toString();
  const answer = await probe(`${server}/api/v1/nodes`, { ca, token });
  const { items = [] } = JSON.parse(answer?.body || '{}') as {
    items?: { status: { conditions?: { type: string; status: string }[] } }[];
  };
  return items.some(({ status }) =>
    status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
  );
}

function removeDir(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Somebody writes in it still; the caller removes it again when nobody does.
  }
}

/** The users and the key of service-account tokens: made anew for each control plane. */
function writeSecrets(paths: LocalPaths, tokens: Tokens): void {
  const users = Object.entries(tokenUsers).map(
    ([name, user]) => `${tokens[name as keyof Tokens]},${user},${user},"system:masters"\n`,
  );
  writeFileSync(paths.tokenFile, users.join(''), { mode: 0o600 });
  writeFileSync(paths.auditPolicy, auditPolicy);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(paths.serviceAccountKey, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
}

/** The certificate is made at the first start: before that, nobody can be asked. */
function readCa(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Whether a component says that it is ready. Nobody but ours can say so: etcd is asked on our socket, the
 * others must show the certificate in our directory; a node is asked in its own network.
 */
export async function componentReady(
  name: ComponentName | NodeComponentName,
  stateDir: string,
  { ports, node }: { readonly ports: LocalPorts; readonly node?: RecordedNode | undefined },
): Promise<boolean> {
  const paths = localPaths(stateDir);
  const secure = async (caFile: string, at: string, path: string): Promise<boolean> => {
    const ca = readCa(caFile);
    return ca !== undefined && (await probe(`https://${at}${path}`, { ca }))?.status === 200;
  };
  const host = node?.network.host ?? '127.0.0.1';
  switch (name) {
    case 'etcd':
      return (await probe('http://localhost/health', { socketPath: paths.etcdSocket }))?.status === 200;
    case 'apiserver':
      return secure(paths.apiserverCa, `${host}:${ports.apiserver}`, '/readyz');
    case 'controllerManager':
      return secure(paths.controllerManagerCa, `127.0.0.1:${ports.controllerManager}`, '/healthz');
    case 'scheduler':
      return node !== undefined && schedulerReady(stateDir, node);
    case 'node':
      return node !== undefined && nodeHealthy(node);
  }
}
