import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { runCommand, type CommandResult } from '../../support/command.ts';
import { eventually, plainEnvironment } from '../../support/process.ts';
import { cgroupExists } from './cgroups.ts';
import { pauseImage } from './files.ts';
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

/** What a node could leave behind on this machine. */
async function traces(): Promise<Readonly<Record<string, readonly string[]>>> {
  const lines = async (command: string, ...args: string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await runCommand(command, args, { env });
    expect({ command, code, stderr }).toMatchObject({ code: 0 });
    return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
  return {
    links: readdirSync('/sys/class/net').filter((each) => each.startsWith('idhub')),
    routes: (await lines('ip', 'route')).filter((each) => /10\.9[789]\./.test(each)),
    chains: (await lines('iptables-save')).filter((each) => each.includes('KUBE')),
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((each) => each.includes(`cluster-${name}`)),
    processes: readdirSync('/proc')
      .filter((each) => /^\d+$/.test(each))
      .map(commandLine)
      .filter((each) => each.includes(`cluster-${name}`) || each.includes('containerd-shim')),
    folders: ['/var/lib/kubelet', '/run/containerd/io.containerd.runtime.v2.task', '/var/lib/cni'].filter(
      existsSync,
    ),
  };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

let before: Awaited<ReturnType<typeof traces>>;

beforeAll(async () => {
  before = await traces();
});

afterAll(() => cluster('down'));

test('a node takes pods, and nothing of it is left when it is down', async () => {
  const up = await cluster('up', '--node');
  expect(up).toMatchObject({ code: 0, stdout: expect.stringMatching(/is up after .*: https:\/\/10\.99\./) });
  const status = await cluster('status');
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

  expect((await cluster('down')).stdout).toBe('Ended.\n');
  expect(await traces()).toEqual(before);
});

test('it ends with who started it, even by SIGKILL', async () => {
  const script = `
    import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, '..', 'index.ts'))};
    const plane = await startControlPlane({ node: true });
    console.log(plane.server);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const server = await Promise.race([
    once(child.stdout, 'data').then(([text]) => String(text)),
    once(child, 'exit').then(() => 'ended while it started'),
  ]);
  const [, network = ''] = /^https:\/\/10\.99\.(\d+)\.1:/.exec(server) ?? [];
  expect(server).toMatch(/^https:\/\/10\.99\./);
  expect(existsSync(`/sys/class/net/idhub${network}`)).toBe(true);
  expect(cgroupExists(`/idhub${network}`)).toBe(true);
  child.kill('SIGKILL');
  await eventually(
    async () => {
      const left = await traces();
      return JSON.stringify(left) === JSON.stringify(before) && !cgroupExists(`/idhub${network}`)
        ? true
        : undefined;
    },
    { withinMs: 30_000, everyMs: 500, what: 'nothing to be left' },
  );
});

test('what is wrong is said', async () => {
  expect(await cluster('status', '--node')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--node goes with up and build'),
  });
  expect(await cluster('load')).toMatchObject({ code: 1, stderr: expect.stringContaining('Not running') });
});
