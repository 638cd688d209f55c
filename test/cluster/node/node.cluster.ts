import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { runCommand, type CommandResult } from '../../support/command.ts';
import { eventually, plainEnvironment } from '../../support/process.ts';
import { cgroupExists } from './cgroups.ts';
import { pauseImage } from './files.ts';
import { networkOf } from './network.ts';
import { nodePath } from './requirements.ts';

jest.setTimeout(180_000);

const name = `node-${process.pid}`;
const cache = process.env['IDHUB_CACHE_DIR'];
const env = {
  ...plainEnvironment,
  PATH: nodePath(plainEnvironment['PATH']),
  ...(cache === undefined ? {} : { IDHUB_CACHE_DIR: cache }),
};
const cli = join(import.meta.dirname, '..', 'cli.ts');

function cluster(...args: string[]): Promise<CommandResult> {
  return runCommand(process.execPath, [cli, ...args, `--name=${name}`], { env });
}

type Traces = Readonly<
  Record<'links' | 'routes' | 'cgroups' | 'mounts' | 'processes' | 'folders', readonly string[]>
>;

/** What one node leaves behind on this machine, by its number; others may come and go meanwhile. */
async function traces(network: string, stateDir: string): Promise<Traces> {
  const lines = async (command: string, ...args: string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await runCommand(command, args, { env });
    expect({ command, code, stderr }).toMatchObject({ code: 0 });
    return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
  const { host, link, pods, services } = networkOf(Number(network));
  const addresses = [host, pods, services].map((each) => each.replace(/\d+(?:\/\d+)?$/, ''));
  return {
    links: readdirSync('/sys/class/net').filter((each) => each === link || each === `${link}n`),
    routes: (await lines('ip', 'route')).filter((each) => addresses.some((one) => each.includes(one))),
    cgroups: cgroupExists(`/${link}`) ? [link] : [],
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((each) => each.includes(stateDir)),
    // The shims of its pods are among them: each is told where containerd listens.
    processes: readdirSync('/proc')
      .filter((each) => /^\d+$/.test(each))
      .map(commandLine)
      .filter((each) => each.includes(stateDir)),
    folders: [stateDir].filter(existsSync),
  };
}

/** What no node may ever make, since it has namespaces of its own. */
async function machine(): Promise<unknown> {
  const { code, stdout, stderr } = await runCommand('iptables-save', [], { env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return {
    chains: stdout.split('\n').filter((each) => each.includes('KUBE')),
    folders: ['/var/lib/kubelet', '/run/containerd/io.containerd.runtime.v2.task', '/var/lib/cni'].filter(
      existsSync,
    ),
  };
}

const nothing: Traces = { links: [], routes: [], cgroups: [], mounts: [], processes: [], folders: [] };

/** @param server `https://10.99.N.1:port` */
function numberOf(server: string): string {
  const number = /https:\/\/10\.99\.(\d+)\.1:/.exec(server)?.[1];
  if (number === undefined) {
    throw new Error(`no server of a node: ${server}`);
  }
  return number;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

let before: unknown;

beforeAll(async () => {
  before = await machine();
});

afterAll(() => cluster('down'));

test('a node takes pods, and nothing of it is left when it is down', async () => {
  const up = await cluster('up', '--node');
  expect(up).toMatchObject({ code: 0, stdout: expect.stringMatching(/is up after .*: https:\/\/10\.99\./) });
  const network = numberOf(up.stdout);
  const status = await cluster('status');
  const stateDir = /KUBECONFIG: (.*)\/admin\.kubeconfig/.exec(status.stdout)?.[1] ?? '';
  expect([...status.stdout.matchAll(/^ {2}(\S+) .* ready$/gm)].map(([, each]) => each)).toEqual([
    'etcd',
    'apiserver',
    'controllerManager',
    'scheduler',
    'node',
  ]);
  const shell = (script: string, stdin = ''): Promise<CommandResult> =>
    runCommand('/bin/sh', ['-c', `${exported}\n${script}`], { env, stdin });
  const exported = (await cluster('env')).stdout;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'one', namespace: 'default' },
    spec: {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'one',
          image: pauseImage,
          imagePullPolicy: 'Never',
          securityContext: {
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
  const applied = await shell(
    'kubectl apply -f - && kubectl wait --for=condition=Ready pod/one --timeout=60s && kubectl logs one',
    JSON.stringify(pod),
  );
  expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining('pod/one condition met') });
  const { stdout: address } = await shell("kubectl get pod one -o jsonpath='{.status.podIP}'");
  expect(address).toMatch(/^10\.98\.\d+\.\d+$/);
  expect(await cluster('load', '/no/such/image.tar')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('/no/such/image.tar'),
  });
  // A deployment's rollout, so that controllers of pods and the garbage collector are there too.
  const rolled = await shell(
    `kubectl create deployment two --image=${pauseImage} --replicas=2 && kubectl rollout status deployment/two --timeout=60s`,
  );
  expect(rolled).toMatchObject({ code: 0 });
  const { links, routes, cgroups, processes, folders } = await traces(network, stateDir);
  expect({ links, routes: routes.length, cgroups, folders }).toEqual({
    links: [`idhub${network}`],
    routes: 3,
    cgroups: [`idhub${network}`],
    folders: [stateDir],
  });
  expect(processes.filter((each) => each.includes('containerd-shim'))).toHaveLength(3);

  expect((await cluster('down')).stdout).toBe('Ended.\n');
  expect(await traces(network, stateDir)).toEqual(nothing);
  expect(await machine()).toEqual(before);
});

test('it ends with who started it, even by SIGKILL', async () => {
  const script = `
    import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, '..', 'index.ts'))};
    const plane = await startControlPlane({ node: true });
    console.log(JSON.stringify(plane));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await Promise.race([
    once(child.stdout, 'data').then(([text]) => String(text)),
    once(child, 'exit').then(() => '{"server":"ended while it started"}'),
  ]);
  const { server, stateDir } = JSON.parse(said) as { server: string; stateDir: string };
  const network = numberOf(server);
  const { links, cgroups, folders } = await traces(network, stateDir);
  expect({ links, cgroups, folders }).toEqual({
    links: [`idhub${network}`],
    cgroups: [`idhub${network}`],
    folders: [stateDir],
  });
  child.kill('SIGKILL');
  await eventually(
    async () => {
      expect(await traces(network, stateDir)).toEqual(nothing);
      return true;
    },
    { withinMs: 30_000, everyMs: 500, what: 'nothing to be left' },
  );
  expect(await machine()).toEqual(before);
});

test('what is wrong is said', async () => {
  expect(await cluster('status', '--node')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--node goes with up and build'),
  });
  expect(await cluster('load')).toMatchObject({ code: 1, stderr: expect.stringContaining('Not running') });
});
