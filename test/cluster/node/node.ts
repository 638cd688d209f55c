import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { runCommand, type CommandRunner } from '../../support/command.ts';
import { selfSigned } from '../../support/certificate.ts';
import { eventually, freePort, plainEnvironment } from '../../support/process.ts';
import { LocalComponent } from '../component.ts';
import { probe } from '../probe.ts';
import { makeCgroup, cgroupExists, removeCgroup } from './cgroups.ts';
import {
  cniConfig,
  containerdConfig,
  initScript,
  kubeletConfig,
  kubeletHealthPort,
  nodePaths,
  type NodePaths,
} from './files.ts';
import { makePauseImage } from './images.ts';
import { freeNetwork, type NodeNetwork } from './network.ts';
import { nodePath } from './requirements.ts';
import type { NodeTools } from './tools.ts';

export type NodeComponentName = 'scheduler' | 'node';

/** What another process needs to know of a node; goes through JSON. */
export interface RecordedNode {
  readonly network: NodeNetwork;
  readonly schedulerPort: number;
}

export interface LocalNodeOptions {
  /** Of the control plane; exists. */
  readonly stateDir: string;
  readonly tools: NodeTools;
  /** Called when one of its processes starts and when it is gone. */
  readonly onChange: () => void;
  readonly run?: CommandRunner;
}

/**
 * A node (kubelet, containerd, kube-proxy) in namespaces of the kernel of its own: its mounts, its network and its
 * processes end with its first process, and nothing of it is left on the machine. It needs root.
 */
export class LocalNode {
  readonly network: NodeNetwork = freeNetwork();
  readonly paths: NodePaths;
  readonly components: Readonly<Record<NodeComponentName, LocalComponent>>;
  readonly schedulerPort: number;
  readonly #options: LocalNodeOptions;
  readonly #run: CommandRunner;
  readonly #env = { ...plainEnvironment, PATH: nodePath(plainEnvironment['PATH']) };

  static async make(options: LocalNodeOptions): Promise<LocalNode> {
    return new LocalNode(options, await freePort());
  }

  private constructor(options: LocalNodeOptions, schedulerPort: number) {
    const { stateDir, tools, onChange } = options;
    this.#options = options;
    this.#run = options.run ?? runCommand;
    this.schedulerPort = schedulerPort;
    this.paths = nodePaths(stateDir);
    const { network, paths } = this;
    this.components = {
      scheduler: new LocalComponent({
        name: 'kube-scheduler',
        command: tools.scheduler,
        args: [
          `--kubeconfig=${paths.dir}/scheduler.kubeconfig`,
          '--leader-elect=false',
          '--bind-address=127.0.0.1',
          `--secure-port=${schedulerPort}`,
          `--cert-dir=${paths.dir}/scheduler-certs`,
        ],
        logFile: paths.log('kube-scheduler'),
        ready: () => schedulerReady(stateDir, this.recorded),
        onChange,
      }),
      node: new LocalComponent({
        name: 'node',
        command: 'unshare',
        args: [
          '--mount',
          '--net',
          '--pid',
          '--uts',
          '--fork',
          '--kill-child',
          '--mount-proc',
          '/bin/sh',
          `${paths.dir}/init.sh`,
        ],
        env: this.#env,
        logFile: paths.log('node'),
        ready: () => this.#linked(),
        onChange,
      }),
    };
    mkdirSync(paths.cniDir, { recursive: true, mode: 0o700 });
    mkdirSync(`${paths.dir}/pod-logs`, { recursive: true });
    const { cert, key } = selfSigned('kube-apiserver');
    for (const [path, content] of [
      [paths.kubeletClientCert, cert],
      [paths.kubeletClientKey, key],
      [paths.resolvConf, ''],
      [paths.containerdConfig, containerdConfig(paths)],
      [`${paths.cniDir}/10-idhub.conflist`, cniConfig(paths, network)],
      [paths.kubeletConfig, kubeletConfig(paths, network, this.#cgroup)],
      [`${paths.dir}/init.sh`, initScript({ paths, network, ...tools })],
    ] as const) {
      writeFileSync(path, content, { mode: 0o600 });
    }
  }

  /** Its namespaces, and the link between its network and the machine's; the API server may bind to it then. */
  async start(): Promise<void> {
    makeCgroup(this.#cgroup);
    writeFileSync(`${this.#options.stateDir}/cgroup`, this.#cgroup);
    await this.components.node.start();
  }

  /** Begins once the API server answers; resolves when the node can take pods. */
  async join(ready: () => Promise<boolean>): Promise<void> {
    const { paths } = this;
    writeFileSync(paths.go, '');
    const { pause } = this.#options.tools;
    const archive = await makePauseImage({ dir: paths.dir, pause, run: this.#run });
    await eventually(async () => ((await nodeHealthy(this.recorded)) ? true : undefined), {
      withinMs: 60_000,
      what: `the kubelet (${paths.log('kubelet')})`,
    });
    await this.loadImage(archive);
    await this.components.scheduler.start();
    await eventually(async () => ((await ready()) ? true : undefined), {
      withinMs: 60_000,
      what: `the node to be Ready (${paths.log('kubelet')})`,
    });
  }

  get recorded(): RecordedNode {
    const { network, schedulerPort } = this;
    return { network, schedulerPort };
  }

  /** @param archive an image as `podman save` or `docker save` writes it */
  loadImage(archive: string): Promise<void> {
    return loadImage(this.paths, archive, this.#run);
  }

  /** Ends all of it; what can be done without waiting is done before this returns its promise. */
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.components).map((each) => each.stop()));
    await removeNode(this.recorded, this.#run);
  }

  get #cgroup(): string {
    return cgroupOf(this.recorded);
  }

  /** Gives the new network its end of the link, once, and says whether it is up. */
  async #linked(): Promise<boolean> {
    const { link, host, node, pods, services } = this.network;
    const { paths } = this;
    if (existsSync(paths.networkReady)) {
      return true;
    }
    const { pid } = this.components.node;
    const [child] = children(pid);
    if (child === undefined || existsSync(`/sys/class/net/${link}`)) {
      return false;
    }
    // Not before it has left the machine's network.
    if (namespaceOf(child) === namespaceOf(process.pid)) {
      return false;
    }
    for (const args of [
      ['link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}n`, 'netns', String(child)],
      ['addr', 'add', `${host}/30`, 'dev', link],
      ['link', 'set', link, 'up'],
      ['route', 'add', pods, 'via', node],
      ['route', 'add', services, 'via', node],
    ]) {
      const result = await this.#run('ip', args, { env: this.#env });
      if (result.code !== 0) {
        throw new Error(`ip ${args.join(' ')}: ${result.stderr.trim()}`);
      }
    }
    return false;
  }
}

function cgroupOf({ network }: RecordedNode): string {
  return `/${network.link}`;
}

/** What the kernel does not take away with the last process of a node, or not at once. */
export async function removeNode(node: RecordedNode, run: CommandRunner = runCommand): Promise<void> {
  const cgroup = cgroupOf(node);
  const { link } = node.network;
  // It goes with the network at its other end, some time; fails where it has gone.
  await run('ip', ['link', 'delete', link], {
    env: { ...plainEnvironment, PATH: nodePath(plainEnvironment['PATH']) },
  });
  await eventually(
    () => {
      removeCgroup(cgroup);
      return cgroupExists(cgroup) || existsSync(`/sys/class/net/${link}`) ? undefined : true;
    },
    { withinMs: 20_000, what: `the processes in ${cgroup} and the link ${link} to be gone` },
  );
}

export async function nodeHealthy({ network }: RecordedNode): Promise<boolean> {
  return (await probe(`http://${network.node}:${kubeletHealthPort}/healthz`))?.status === 200;
}

export async function schedulerReady(stateDir: string, { schedulerPort }: RecordedNode): Promise<boolean> {
  const cert = `${nodePaths(stateDir).dir}/scheduler-certs/kube-scheduler.crt`;
  const ca = existsSync(cert) ? readFileSync(cert, 'utf8') : undefined;
  const url = `https://127.0.0.1:${schedulerPort}/healthz`;
  return ca !== undefined && (await probe(url, { ca }))?.status === 200;
}

/** Loads an image into the node whose files are at `paths`. */
export async function loadImage(paths: NodePaths, archive: string, run: CommandRunner): Promise<void> {
  const env = { ...plainEnvironment, PATH: nodePath(plainEnvironment['PATH']) };
  const args = ['--address', paths.containerdSocket, '--namespace', 'k8s.io', 'images', 'import', archive];
  const result = await run('ctr', args, { env });
  if (result.code !== 0) {
    throw new Error(`ctr images import ${archive}: ${result.stderr.trim() || result.stdout.trim()}`);
  }
}

function children(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
