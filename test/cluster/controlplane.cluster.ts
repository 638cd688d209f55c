import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { processIdentity } from '../support/identity.ts';
import { eventually, plainEnvironment } from '../support/process.ts';
import { startControlPlane, type ControlPlane } from './index.ts';

jest.setTimeout(120_000);

const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.test }
spec:
  group: example.test
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { size: { type: integer } } }
`;
const widget = (name: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'example.test/v1',
    kind: 'Widget',
    metadata: { name, ...more },
    spec: { size: 1 },
  });

let dir: string;
let plane: ControlPlane;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'controlplane-test-'));
  await writeFile(join(dir, 'widgets.yaml'), crd);
  plane = await startControlPlane({ environment: process.env });
  await plane.installCrds(dir);
});

afterAll(async () => {
  await plane?.stop();
  await rm(dir, { recursive: true });
});

async function kubectl(on: ControlPlane, args: readonly string[], stdin?: string): Promise<string> {
  const result = await on.kubectl(args, stdin === undefined ? {} : { stdin });
  expect(result).toMatchObject({ code: 0 });
  return result.stdout;
}

function pidsOf({ components }: ControlPlane): number[] {
  return [components.etcd.pid, components.apiserver.pid, components.controllerManager.pid];
}

test('the server has the version that kubectl has', async () => {
  const { clientVersion, serverVersion } = JSON.parse(
    await kubectl(plane, ['version', '-o', 'json']),
  ) as Record<string, { gitVersion: string }>;
  expect(serverVersion?.gitVersion).toBe('v1.36.3');
  expect(clientVersion?.gitVersion).toBe(serverVersion?.gitVersion);
});

test('a definition is served when it is installed, and installing again changes nothing', async () => {
  await plane.createNamespace('crds');
  await kubectl(plane, ['apply', '-n', 'crds', '-f', '-'], widget('one'));
  await plane.installCrds(dir);
  expect(await kubectl(plane, ['get', 'widgets', '-n', 'crds', '-o', 'name'])).toBe(
    'widget.example.test/one\n',
  );
});

test('deleting a namespace completes, with what is in it', async () => {
  await plane.createNamespace('short-lived');
  await kubectl(plane, ['apply', '-n', 'short-lived', '-f', '-'], widget('inside'));
  await kubectl(plane, ['delete', 'namespace', 'short-lived', '--timeout=60s']);
  expect(await kubectl(plane, ['get', 'namespace', 'short-lived', '--ignore-not-found'])).toBe('');
});

test('what an owner leaves is collected', async () => {
  await plane.createNamespace('owners');
  const run = (args: readonly string[], stdin?: string) => kubectl(plane, [...args, '-n', 'owners'], stdin);
  await run(['create', 'configmap', 'owner']);
  const uid = await run(['get', 'configmap', 'owner', '-o', 'jsonpath={.metadata.uid}']);
  const owned = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'owned',
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }],
    },
  };
  await run(['apply', '-f', '-'], JSON.stringify(owned));
  await run(['delete', 'configmap', 'owner']);
  await eventually(
    async () => (await run(['get', 'configmap', 'owned', '--ignore-not-found'])) === '' || undefined,
    { what: 'the garbage collector' },
  );
});

test('a ServiceAccount can do what its role says and nothing more', async () => {
  await plane.createNamespace('limited');
  const rbac = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: limited }
rules: [{ apiGroups: [example.test], resources: [widgets], verbs: [get, list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: limited }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: limited }]
`;
  const { kubeconfigPath: kubeconfig, token } = await plane.serviceAccount('limited', 'reader', rbac);
  expect(token.split('.')).toHaveLength(3);
  await eventually(
    async () => (await plane.kubectl(['get', 'widgets'], { kubeconfig })).code === 0 || undefined,
    { what: 'the role to be known', withinMs: 5_000 },
  );
  const who = await plane.kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'], {
    kubeconfig,
  });
  expect(who.stdout).toBe('system:serviceaccount:limited:reader');
  const create = await plane.kubectl(['create', '-f', '-'], { kubeconfig, stdin: widget('no') });
  expect(create.stderr).toContain('cannot create resource "widgets"');
  const elsewhere = await plane.kubectl(['get', 'widgets', '-n', 'default'], { kubeconfig });
  expect(elsewhere.stderr).toContain('cannot list resource "widgets"');
});

test('data outlive a pause and a restart of each component', async () => {
  const own = await startControlPlane();
  try {
    const { apiserver, etcd, controllerManager } = own.components;
    await own.createNamespace('kept');
    apiserver.pause();
    const silent = await own.kubectl(['get', 'namespace', 'kept', '--request-timeout=1s']);
    expect(silent.code).not.toBe(0);
    apiserver.resume();
    await kubectl(own, ['get', 'namespace', 'kept']);

    const before = pidsOf(own);
    await apiserver.stop();
    expect(processIdentity(before[1] ?? 0)).toBeUndefined();
    expect((await own.kubectl(['get', 'namespace', 'kept'])).stderr).toContain('refused');
    await apiserver.restart();
    await kubectl(own, ['get', 'namespace', 'kept']);

    await etcd.restart();
    await eventually(async () => (await own.kubectl(['get', 'ns', 'kept'])).code === 0 || undefined);
    await controllerManager.restart();
    await kubectl(own, ['delete', 'namespace', 'kept', '--timeout=60s']);
    const after = pidsOf(own);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);

    // A paused process is ended like any other.
    apiserver.pause();
    await own.stop();
    expect(after.map(processIdentity)).toEqual([undefined, undefined, undefined]);
    expect(existsSync(own.stateDir)).toBe(false);
  } finally {
    await own.stop();
  }
});

test('two at once do not know each other, and each leaves nothing behind', async () => {
  const two = await Promise.all([startControlPlane(), startControlPlane()]);
  const [one, other] = two;
  await one.createNamespace('only-here');
  expect(await kubectl(other, ['get', 'namespace', 'only-here', '--ignore-not-found'])).toBe('');
  const stranger = await other.kubectl(['get', 'namespaces', `--server=${one.server}`]);
  expect(stranger.code).not.toBe(0);
  const pids = two.flatMap(pidsOf);
  expect(new Set(pids).size).toBe(6);
  await Promise.all(two.map((each) => each.stop()));
  expect(pids.map(processIdentity).filter((identity) => identity !== undefined)).toEqual([]);
  expect(two.map(({ stateDir }) => existsSync(stateDir))).toEqual([false, false]);
  await one.stop();
});

test('CLUSTER=existing uses what is there, and takes away only what it brought', async () => {
  const environment = { ...plainEnvironment, CLUSTER: 'existing', KUBECONFIG: plane.kubeconfigPath };
  const attached = await startControlPlane({ environment });
  expect(attached).toMatchObject({ mode: 'existing', server: plane.server, caData: plane.caData });
  await plane.createNamespace('theirs');
  await attached.createNamespace('brought');
  await attached.serviceAccount('theirs', 'brought');
  await expect(attached.createNamespace('theirs')).rejects.toThrow('already exists');
  await expect(attached.serviceAccount('theirs', 'default')).rejects.toThrow('exists already in the cluster');
  await attached.stop();
  expect(existsSync(attached.stateDir)).toBe(false);
  await eventually(
    async () =>
      (await kubectl(plane, ['get', 'namespace', 'brought', '--ignore-not-found'])) === '' || undefined,
  );
  expect(await kubectl(plane, ['get', 'serviceaccount', '-n', 'theirs', '-o', 'name'])).toBe(
    'serviceaccount/default\n',
  );
});

test('CLUSTER=existing refuses a cluster that does not answer', async () => {
  const gone = await startControlPlane();
  const kubeconfig = join(dir, 'gone.kubeconfig');
  await writeFile(kubeconfig, await kubectl(gone, ['config', 'view', '--raw', '--flatten']));
  await gone.stop();
  await expect(
    startControlPlane({ environment: { ...plainEnvironment, CLUSTER: 'existing', KUBECONFIG: kubeconfig } }),
  ).rejects.toThrow(
    /^CLUSTER=existing: the cluster at https:\/\/127\.0\.0\.1:\d+ does not answer .*unset CLUSTER/,
  );
});

test.each([
  ['killed', 'SIGKILL', ''],
  ['ended by a signal', 'SIGTERM', ''],
  ['left through its handler of exit', 'SIGTERM', "process.once('SIGTERM', () => process.exit());"],
] as const)('a process that is %s takes its control plane with it', async (_how, signal, handlers) => {
  const module = JSON.stringify(new URL('index.ts', import.meta.url).href);
  const program = `
    const { startControlPlane } = await import(${module});
    const plane = await startControlPlane();
    ${handlers} process.once('exit', () => void plane.stop());
    const { components: { etcd, apiserver, controllerManager }, stateDir } = plane;
    console.log(JSON.stringify({ pids: [etcd, apiserver, controllerManager].map(({ pid }) => pid), stateDir }));
    setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...plainEnvironment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const { pids, stateDir } = JSON.parse(line.toString()) as { pids: number[]; stateDir: string };
  expect(pids.map(processIdentity)).not.toContain(undefined);
  owner.kill(signal);
  await eventually(() => (!existsSync(stateDir) && !pids.some((pid) => processIdentity(pid))) || undefined, {
    withinMs: 10_000,
    what: 'the processes to end',
  });
});
