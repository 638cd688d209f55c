import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CommandResult, CommandRunner } from '../support/command.ts';
import { clusterMode } from './controlplane.ts';
import { attachExisting } from './existing.ts';
import { deleteKind, startKind } from './kind.ts';

let dir: string;
let stateDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modes-test-'));
  stateDir = dir;
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const view = JSON.stringify({
  clusters: [{ cluster: { server: 'https://api.test:6443', 'certificate-authority-data': 'Q0E=' } }],
});

/** Answers by the beginning of the command line; what is not scripted succeeds in silence. */
function scripted(answers: Record<string, Partial<CommandResult>> = {}): {
  run: CommandRunner;
  calls: string[];
  environments: Record<string, string>[];
} {
  const calls: string[] = [];
  const environments: Record<string, string>[] = [];
  const run: CommandRunner = (command, args, { env }) => {
    const line = [command, ...args].join(' ');
    calls.push(line);
    environments.push({ ...env });
    const answer = Object.entries({ 'kubectl config view': { stdout: view }, ...answers }).find(([start]) =>
      line.startsWith(start),
    )?.[1];
    return Promise.resolve({ code: 0, stdout: '', stderr: '', ...answer });
  };
  return { run, calls, environments };
}

test.each([
  [undefined, 'local'],
  ['', 'local'],
  ['local', 'local'],
  ['existing', 'existing'],
  ['kind', 'kind'],
])('CLUSTER=%s is %s', (value, mode) => {
  expect(clusterMode(value === undefined ? {} : { CLUSTER: value })).toBe(mode);
});

test('another CLUSTER is refused', () => {
  expect(() => clusterMode({ CLUSTER: 'minikube' })).toThrow(
    "CLUSTER is 'minikube'; it can be local (the default), existing or kind",
  );
});

describe('CLUSTER=existing', () => {
  const attach = (run: CommandRunner) =>
    attachExisting({ run, env: { KUBECONFIG: '/home/me/config' }, kubectlPath: 'kubectl', stateDir });

  test('takes the current context alone, and only reads', async () => {
    const { run, calls, environments } = scripted();
    await expect(attach(run)).resolves.toEqual({
      mode: 'existing',
      kubeconfigPath: join(stateDir, 'admin.kubeconfig'),
      server: 'https://api.test:6443',
      caData: 'Q0E=',
      stateDir,
      kubectlPath: 'kubectl',
      node: true,
    });
    expect(calls).toEqual([
      'kubectl config view --raw --minify --flatten --output=json',
      'kubectl get --raw /version --request-timeout=10s',
    ]);
    expect(environments.map((env) => env['KUBECONFIG'])).toEqual([
      '/home/me/config',
      join(stateDir, 'admin.kubeconfig'),
    ]);
    expect(await readFile(join(stateDir, 'admin.kubeconfig'), 'utf8')).toBe(view);
  });

  test('says when there is no context', async () => {
    const { run } = scripted({ 'kubectl config view': { code: 1, stderr: 'current-context must exist\n' } });
    await expect(attach(run)).rejects.toThrow(
      /^CLUSTER=existing: there is no current context \(kubeconfig: \/home\/me\/config\): current-context must exist\. Point KUBECONFIG/,
    );
  });

  test('says when the cluster does not answer', async () => {
    const { run } = scripted({ 'kubectl get': { code: 1, stderr: 'connection refused' } });
    await expect(attach(run)).rejects.toThrow(
      /the cluster at https:\/\/api\.test:6443 does not answer .*: connection refused\. .*unset CLUSTER/,
    );
  });
});

describe('CLUSTER=kind', () => {
  const start = (run: CommandRunner) =>
    startKind({ run, env: { PATH: '/bin' }, kubectlPath: 'kubectl', stateDir });

  test('makes a cluster of its own and leaves the user’s kubeconfig alone', async () => {
    const { run, calls } = scripted();
    const record = await start(run);
    const name = calls.find((line) => line.startsWith('kind create'))?.match(/--name=(\S+)/)?.[1];
    expect(name).toMatch(/^idhub-modes-test-[a-z0-9-]+$/);
    expect(calls).toEqual([
      'docker version --format={{.Server.Version}}',
      'kind version',
      `kind create cluster --name=${name} --kubeconfig=${stateDir}/kind.kubeconfig --wait=120s`,
      'kubectl config view --raw --minify --flatten --output=json',
      'kubectl get --raw /version --request-timeout=10s',
    ]);
    expect(record).toMatchObject({ mode: 'kind', server: 'https://api.test:6443' });

    const after = scripted();
    await deleteKind({ run: after.run, env: {}, stateDir });
    expect(after.calls).toEqual([
      `kind delete cluster --name=${name} --kubeconfig=${stateDir}/kind.kubeconfig`,
    ]);
  });

  test.each([
    [
      'no docker',
      { 'docker version': { code: 127 } },
      /needs Docker.*install it \(https:\/\/docs\.docker\.com/,
    ],
    [
      'no daemon',
      { 'docker version': { code: 1, stderr: 'Cannot connect' } },
      /daemon that answers[^]*Cannot connect/,
    ],
    ['no kind', { 'kind version': { code: 127 } }, /needs kind.*install it \(https:\/\/kind\.sigs\.k8s\.io/],
    [
      'no cluster',
      { 'kind create': { code: 1, stderr: 'no image' } },
      /could not make the cluster:\nno image/,
    ],
  ] as const)('%s: says what to do', async (_name, answers, message) => {
    await expect(start(scripted(answers).run)).rejects.toThrow(message);
  });
});
