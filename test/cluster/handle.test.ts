import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { CommandResult, CommandRunner } from '../support/command.ts';
import { attachControlPlane } from './controlplane.ts';
import { readCrds } from './crds.ts';
import { apiserverFlags, controllerManagerFlags, etcdFlags, localPaths } from './flags.ts';
import { recordOf, type ClusterMode, type ControlPlane } from './handle.ts';
import { tokenKubeconfig } from './kubeconfig.ts';
import { sharedControlPlane, sharedVariable } from './shared.ts';

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'handle-test-'));
});

afterEach(() => rm(stateDir, { recursive: true, force: true }));

function attached(
  mode: ClusterMode,
  answer: (line: string) => Partial<CommandResult> = () => ({}),
): { plane: ControlPlane; calls: string[]; inputs: string[] } {
  const calls: string[] = [];
  const inputs: string[] = [];
  const run: CommandRunner = (command, args, { stdin }) => {
    const line = [command, ...args].join(' ');
    calls.push(line);
    inputs.push(stdin ?? '');
    return Promise.resolve({ code: 0, stdout: '', stderr: '', ...answer(line) });
  };
  const record = {
    mode,
    stateDir,
    server: 'https://api.test',
    caData: 'Q0E=',
    kubectlPath: 'kubectl',
    node: false,
  };
  const plane = attachControlPlane(
    { ...record, kubeconfigPath: join(stateDir, 'admin.kubeconfig') },
    { environment: {}, run, ends: true },
  );
  return { plane, calls, inputs };
}

test('in a cluster of somebody’s, what was made is deleted, newest first, and nothing else', async () => {
  const { plane, calls, inputs } = attached('existing', (line) =>
    line.includes('create token') ? { stdout: 'secret\n' } : {},
  );
  await plane.createNamespace('mine');
  await plane.serviceAccount('mine', 'operator', 'kind: Role');
  calls.length = 0;
  inputs.length = 0;
  await plane.stop();
  expect(calls).toEqual([
    'kubectl delete --ignore-not-found --wait=false -f -',
    'kubectl delete --ignore-not-found --wait=false -f -',
    'kubectl delete namespace mine --ignore-not-found --wait=false',
  ]);
  expect(inputs[0]).toBe('kind: Role');
  expect(inputs[1]).toContain('"kind":"ServiceAccount"');
  await plane.stop();
  expect(calls).toHaveLength(3);
});

test('in a cluster of somebody’s, what exists already is not changed', async () => {
  const { plane, calls } = attached('existing', (line) =>
    line.startsWith('kubectl get') ? { stdout: 'clusterrole.rbac.authorization.k8s.io/theirs\n' } : {},
  );
  await expect(plane.serviceAccount('default', 'operator')).rejects.toThrow(
    'exists already in the cluster and is not changed: clusterrole.rbac.authorization.k8s.io/theirs',
  );
  await plane.stop();
  expect(calls).toEqual(['kubectl get -f - --ignore-not-found -o name']);
});

test('a ServiceAccount’s kubeconfig holds its token and its namespace', async () => {
  const { plane } = attached('local', (line) =>
    line.includes('create token') ? { stdout: 'secret\n' } : {},
  );
  const { kubeconfigPath, token } = await plane.serviceAccount('apps', 'operator');
  expect(token).toBe('secret');
  expect(parse(await readFile(kubeconfigPath, 'utf8'))).toMatchObject({
    clusters: [{ cluster: { server: 'https://api.test', 'certificate-authority-data': 'Q0E=' } }],
    users: [{ name: 'operator', user: { token: 'secret' } }],
    contexts: [{ context: { namespace: 'apps', user: 'operator' } }],
  });
});

test('kubectl’s words are in the error', async () => {
  const { plane } = attached('local', () => ({ code: 1, stderr: 'Error: forbidden\n' }));
  await expect(plane.createNamespace('x')).rejects.toThrow('kubectl create namespace x: Error: forbidden');
});

test.each([
  ['existing', 'kube-apiserver cannot be disturbed: with CLUSTER=existing the processes are not ours'],
  ['kind', 'kube-apiserver cannot be disturbed: with CLUSTER=kind the processes run in a container'],
  ['local', 'kube-apiserver cannot be disturbed: other suites share it'],
] as const)('components with %s refuse', async (mode, message) => {
  const { apiserver } = attached(mode).plane.components;
  expect(() => apiserver.pid).toThrow(message);
  expect(() => apiserver.pause()).toThrow(message);
  expect(() => apiserver.resume()).toThrow(message);
  await expect(apiserver.stop()).rejects.toThrow(message);
  await expect(apiserver.restart()).rejects.toThrow(message);
});

test('a shared control plane comes from the environment', () => {
  const { plane } = attached('local');
  expect(sharedControlPlane({ [sharedVariable]: JSON.stringify(recordOf(plane)) }).server).toBe(
    'https://api.test',
  );
  expect(() => sharedControlPlane({})).toThrow(/run the suite through jest's project `cluster`/);
});

test('definitions are found with the versions that are served', async () => {
  await writeFile(
    join(stateDir, 'a.yaml'),
    `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.test }
spec:
  group: example.test
  names: { plural: things }
  versions: [{ name: v1, served: true }, { name: v1beta1, served: true }, { name: v1alpha1, served: false }]
---
`,
  );
  await writeFile(join(stateDir, 'b.yaml'), 'kind: ConfigMap\n');
  await writeFile(join(stateDir, 'README.md'), 'kind: CustomResourceDefinition\n');
  await expect(readCrds(stateDir)).resolves.toEqual({
    files: [join(stateDir, 'a.yaml')],
    crds: [
      {
        name: 'things.example.test',
        resources: ['things.v1.example.test', 'things.v1beta1.example.test'],
      },
    ],
  });
  await expect(attached('local').plane.installCrds(join(stateDir, 'none'))).rejects.toThrow('ENOENT');
});

test('everything listens on 127.0.0.1 or on a socket below the state directory', () => {
  const paths = localPaths('/state');
  const ports = { apiserver: 1001, controllerManager: 1002 };
  const all = [...etcdFlags(paths), ...apiserverFlags(paths, ports), ...controllerManagerFlags(paths, ports)];
  expect(all).toEqual(
    expect.arrayContaining([
      '--listen-client-urls=unix:///state/etcd.sock',
      '--listen-peer-urls=http://127.0.0.1:0',
      '--secure-port=1001',
      '--secure-port=1002',
      '--authorization-mode=RBAC',
    ]),
  );
  expect(all.filter((flag) => flag.startsWith('--bind-address='))).toEqual([
    '--bind-address=127.0.0.1',
    '--bind-address=127.0.0.1',
  ]);
});

test('a kubeconfig without a CA leaves the choice to the machine', () => {
  const config = tokenKubeconfig({ server: 'https://api.test', caData: '', user: 'me', token: 't' });
  expect(parse(config)).toMatchObject({ clusters: [{ cluster: { server: 'https://api.test' } }] });
  expect(config).not.toContain('certificate-authority-data');
});

test.each<[ClusterMode, Partial<CommandResult>, string | undefined]>([
  ['kind', {}, undefined],
  ['kind', { code: 1, stderr: 'no such file' }, 'kind could not load image.tar:\nno such file'],
  ['existing', {}, 'push them where it pulls from'],
  ['local', {}, 'there is no node: start it with a node'],
])('an image for the nodes of a cluster, CLUSTER=%s', async (mode, answer, refusal) => {
  const { plane, calls } = attached(mode, () => answer);
  const loading = plane.loadImage('image.tar');
  if (refusal === undefined) {
    await loading;
    expect(calls).toEqual([expect.stringMatching(/^kind load image-archive image\.tar --name=idhub-/)]);
  } else {
    await expect(loading).rejects.toThrow(refusal);
  }
});
