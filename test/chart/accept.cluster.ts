import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { eventually } from '../support/process.ts';
import { everything } from './everything.ts';
import { foreignCrds } from './foreign.ts';
import { ensureHelm, Helm } from './helm.ts';

// Helm is built where the cache does not have it.
jest.setTimeout(1_800_000);

const chart = join(import.meta.dirname, '../../charts/idhub-aws-connector');
const home = mkdtempSync(join(tmpdir(), 'idhub-helm-'));
const system = 'idhub-system';

/** One of its own: the kinds of others are no business of other suites. */
let plane: ControlPlane;
let helm: Helm;

beforeAll(async () => {
  const path = await ensureHelm();
  plane = await startControlPlane();
  helm = new Helm(path, { home, kubeconfig: plane.kubeconfigPath });
  for (const name of [system, ...everything.watchNamespaces]) {
    await plane.createNamespace(name);
  }
  await plane.must(['label', 'namespace', system, 'pod-security.kubernetes.io/enforce=restricted']);
  await plane.must(['label', 'namespace', system, 'pod-security.kubernetes.io/warn=restricted']);
  await plane.must(['create', 'priorityclass', everything.priorityClassName, '--value=1000']);
  for (const crd of await foreignCrds()) {
    await plane.must(['apply', '--server-side', '-f', '-'], crd);
  }
  await eventually(
    async () => {
      const { stdout } = await plane.kubectl(['api-resources', '-o', 'name']);
      const wanted = [
        'certificates.cert-manager.io',
        'servicemonitors.monitoring.coreos.com',
        'prometheusrules.monitoring.coreos.com',
      ];
      return wanted.every((name) => stdout.includes(name)) ? true : undefined;
    },
    { withinMs: 60_000, everyMs: 250, what: 'the kinds of cert-manager and the Prometheus operator' },
  );
});

afterAll(async () => {
  await plane?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Installs a release whose pods nobody runs: what the API server, its admission and all schemas say of it. */
async function install(values: object): Promise<{ code: number; stderr: string; manifest: string }> {
  const file = join(home, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const { code, stderr } = await helm.run([
    'install',
    'idhub-aws-connector',
    chart,
    `--namespace=${system}`,
    `--values=${file}`,
  ]);
  const manifest =
    code === 0 ? await helm.must(['get', 'manifest', 'idhub-aws-connector', `--namespace=${system}`]) : '';
  return { code, stderr, manifest };
}

/** The pod that the Deployment asks for; there is nobody here who makes it. */
function podOf(manifest: string): string {
  const deployment = parseAllDocuments(manifest)
    .map(
      (document) =>
        document.toJS() as { kind: string; spec: { template: { metadata: object; spec: object } } } | null,
    )
    .find((each) => each?.kind === 'Deployment');
  if (deployment === null || deployment === undefined) {
    throw new Error('no Deployment');
  }
  const { metadata, spec } = deployment.spec.template;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, namespace: system, name: 'one' },
    spec,
  });
}

test.each<[string, object]>([
  ['as it is', {}],
  ['with everything', everything],
])(
  'the API server takes each object, unknown fields are none, and pods are within "restricted": %s',
  async (_, values) => {
    const { code, manifest, stderr } = await install(values);
    try {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const strict = [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--validate=strict',
        '-f',
        '-',
      ];
      const again = await plane.kubectl(strict, { stdin: manifest });
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(again.stdout.trim().split('\n').length).toBeGreaterThan(12);
      const pod = podOf(manifest);
      expect(await plane.kubectl(['create', '--dry-run=server', '-f', '-'], { stdin: pod })).toMatchObject({
        code: 0,
        stderr: '',
      });
    } finally {
      await helm.run(['uninstall', 'idhub-aws-connector', `--namespace=${system}`]);
    }
  },
);

test('a security context that is not within it is refused', async () => {
  const { manifest, stderr } = await install({ securityContext: { allowPrivilegeEscalation: true } });
  try {
    expect(stderr).toContain('allowPrivilegeEscalation != false');
    const pod = podOf(manifest);
    expect(await plane.kubectl(['create', '--dry-run=server', '-f', '-'], { stdin: pod })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
      ),
    });
  } finally {
    await helm.run(['uninstall', 'idhub-aws-connector', `--namespace=${system}`]);
  }
});
