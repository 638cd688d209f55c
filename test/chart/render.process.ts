import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { runCommand } from '../support/command.ts';
import { plainEnvironment } from '../support/process.ts';
import { everything } from './everything.ts';
import { ensureHelm, Helm } from './helm.ts';
import { readQuery } from './promql.ts';
import { ProcessSeries } from './series.ts';

// Helm is built where the cache does not have it.
jest.setTimeout(1_800_000);

const root = join(import.meta.dirname, '../..');
const chart = join(root, 'charts/idhub-aws-connector');
const home = mkdtempSync(join(tmpdir(), 'idhub-helm-'));
let helm: Helm;

beforeAll(async () => {
  helm = new Helm(await ensureHelm(), {
    home,
  });
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly Rule[];
  readonly spec?: unknown;
  readonly [key: string]: unknown;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly serviceAccountName: string;
  readonly volumes?: readonly object[];
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly image: string;
    readonly env?: readonly object[];
    readonly securityContext: object;
    readonly volumeMounts?: readonly object[];
  }[];
}

/** `helm template` with these values. */
async function template(values: object = {}, further: readonly string[] = []) {
  const file = join(home, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  return helm.run([
    'template',
    'idhub-aws-connector',
    chart,
    '--namespace=idhub-system',
    `--values=${file}`,
    ...further,
  ]);
}

/** A file with the values of `everything`, but for these. */
function everythingWith(values: object): string {
  const file = join(home, 'changed.json');
  writeFileSync(file, JSON.stringify({ ...everything, ...values }));
  return file;
}

async function objects(values: object = {}): Promise<readonly Rendered[]> {
  const { code, stderr, stdout } = await template(values);
  expect([code, stderr]).toEqual([0, '']);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((each) => each !== null);
}

async function object(kind: string, values: object = {}, name?: string): Promise<Rendered> {
  const found = (await objects(values)).find(
    (each) => each.kind === kind && (name === undefined || each.metadata.name === name),
  );
  if (found === undefined) {
    throw new Error(`no ${kind} ${name ?? ''}`);
  }
  return found;
}

async function podSpec(values: object = {}): Promise<PodSpec> {
  const { spec } = await object('Deployment', values);
  return (spec as { template: { spec: PodSpec } }).template.spec;
}

async function args(values: object = {}): Promise<readonly string[]> {
  return (await podSpec(values)).containers[0]?.args ?? [];
}

describe('what is rendered', () => {
  test('passes the linter, strictly', async () => {
    expect(await helm.must(['lint', '--strict', chart])).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  test.each([
    ['as it is', {}],
    ['with everything', everything],
  ])('is the same twice, to the byte: %s', async (_, values) => {
    const [one, other] = [await template(values), await template(values)];
    expect(one.code).toBe(0);
    expect(one.stdout.length).toBeGreaterThan(50_000);
    expect(other.stdout).toBe(one.stdout);
  });

  test('has these objects by default', async () => {
    const kinds = (await objects()).map(({ kind }) => kind).sort();
    expect(kinds).toEqual(
      [
        ...Array.from({ length: 4 }, () => 'CustomResourceDefinition'),
        'ClusterRole',
        'ClusterRoleBinding',
        'Role',
        'RoleBinding',
        'ServiceAccount',
        'Deployment',
        'PodDisruptionBudget',
        'Service',
        'Service',
      ].sort(),
    );
  });

  test('with everything, has these too', async () => {
    const kinds = new Set((await objects(everything)).map(({ kind }) => kind));
    for (const kind of ['NetworkPolicy', 'ServiceMonitor', 'PrometheusRule', 'ConfigMap', 'Certificate']) {
      expect(kinds).toContain(kind);
    }
  });

  test('runs as nobody, with a root that cannot be written, and ends after its grace period', async () => {
    const pod = await podSpec();
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(25 + 3);
    expect(pod.containers[0]).toMatchObject({ lifecycle: { preStop: { sleep: { seconds: 3 } } } });
    expect((await podSpec({ preStopSeconds: 0 })).containers[0]).not.toHaveProperty('lifecycle');
    expect(pod.containers[0]?.image).toBe('idhub-aws-connector:0.1.0');
  });

  test('extra things are where they belong', async () => {
    const pod = await podSpec(everything);
    const [container] = pod.containers;
    expect(container?.image).toBe(`registry.example.com/connector@sha256:${'a'.repeat(64)}`);
    expect(container?.env).toEqual(everything.extraEnv);
    expect(container?.volumeMounts).toEqual([
      { name: 'tls', mountPath: '/etc/idhub/tls', readOnly: true },
      ...everything.extraVolumeMounts,
    ]);
    expect(pod.volumes).toEqual([
      { name: 'tls', secret: { secretName: 'idhub-aws-connector-tls' } },
      ...everything.extraVolumes,
    ]);
    expect((await object('ServiceAccount', everything)).metadata.annotations).toEqual(
      everything.serviceAccount.annotations,
    );
  });
});

test('names and namespaces that YAML would read as numbers or as true are words', async () => {
  const { code, stderr, stdout } = await helm.run([
    'template',
    '123',
    chart,
    '--namespace=456',
    `--values=${everythingWith({
      nameOverride: '7',
      fullnameOverride: '1e3',
      watchNamespaces: ['true', '0x1f'],
      priorityClassName: '8',
      serviceAccount: { ...everything.serviceAccount, name: '9' },
      http: { ...everything.http, tls: { secretName: '10' } },
    })}`,
  ]);
  expect([code, stderr]).toEqual([0, '']);
  const all = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered | null);
  const wrong: string[] = [];
  const look = (node: unknown, path: string): void => {
    const [, key = ''] = /([^.]+)$/.exec(path) ?? [];
    const word = /^(name|namespace|serviceAccountName|secretName|priorityClassName)$/.test(key);
    const label = /\.(labels|matchLabels|selector)\.[^.]*(\.[^.]*)*$/.test(path) && typeof node !== 'object';
    if ((word || label) && typeof node !== 'string') {
      wrong.push(`${path}: ${JSON.stringify(node)}`);
    }
    if (typeof node === 'object' && node !== null) {
      for (const [name, each] of Object.entries(node)) {
        look(each, `${path}.${name}`);
      }
    }
  };
  const made = all.filter((each) => each !== null && each.kind !== 'CustomResourceDefinition');
  expect(made.length).toBeGreaterThan(14);
  for (const each of made) {
    look(each, each?.kind ?? '');
  }
  expect(wrong).toEqual([]);
  expect(made.find((each) => each?.kind === 'Deployment')?.metadata).toMatchObject({
    name: '1e3',
    namespace: '456',
    labels: { 'app.kubernetes.io/instance': '123', 'app.kubernetes.io/name': '7' },
  });
});

test('a drain is not held up by pods that are not ready', async () => {
  expect((await object('PodDisruptionBudget')).spec).toMatchObject({
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  });
});

describe('definitions', () => {
  const crds = async (values: object): Promise<readonly Rendered[]> =>
    (await objects(values)).filter(({ kind }) => kind === 'CustomResourceDefinition');

  test('are those of crds/, and are kept', async () => {
    const rendered = await crds({});
    expect(rendered).toHaveLength(4);
    for (const { metadata, ...rest } of rendered) {
      const [plural, group] = [metadata.name.split('.')[0], metadata.name.split('.').slice(1).join('.')];
      const source = parse(readFileSync(join(root, `crds/${group}_${plural}.yaml`), 'utf8')) as Rendered;
      expect({ ...rest, metadata: { name: metadata.name } }).toEqual(source);
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    }
  });

  test('are not kept, or not there, when that is wanted', async () => {
    expect((await crds({ crds: { keep: false } })).map(({ metadata }) => metadata.annotations)).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    expect(await crds({ crds: { enabled: false } })).toEqual([]);
  });
});

describe('rights', () => {
  /** One line for each verb on each resource. */
  const flat = (rules: readonly Rule[] = []): readonly string[] =>
    rules
      .flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
        ),
      )
      .sort();
  const declared = parseAllDocuments(readFileSync(join(root, 'test/e2e/operator-rbac.yaml'), 'utf8')).map(
    (document) => document.toJS() as Rendered,
  );
  const of = (kind: string, from: readonly Rendered[]): readonly string[] =>
    flat(from.filter((each) => each.kind === kind).flatMap(({ rules = [] }) => rules));

  test('for all namespaces are those that the operator is tested with', async () => {
    const rendered = await objects();
    expect(of('ClusterRole', rendered)).toEqual(of('ClusterRole', declared));
    expect(of('Role', rendered)).toEqual(of('Role', declared));
  });

  test('for some namespaces are the same there, and none on Secrets or objects elsewhere', async () => {
    const rendered = await objects({ watchNamespaces: ['team-a', 'team-b'] });
    expect(of('ClusterRole', rendered)).toEqual([
      'create authentication.k8s.io/tokenreviews',
      'create authorization.k8s.io/subjectaccessreviews',
    ]);
    for (const namespace of ['team-a', 'team-b']) {
      const there = rendered.filter(({ metadata }) => metadata.namespace === namespace);
      expect(there.map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
      expect([...of('Role', there), ...of('ClusterRole', rendered)].sort()).toEqual(
        of('ClusterRole', declared),
      );
    }
    const own = rendered.filter(({ metadata }) => metadata.namespace === 'idhub-system');
    expect(of('Role', own)).toEqual(
      [...of('Role', declared), 'create /secrets', 'get /secrets', 'patch /secrets'].sort(),
    );
  });

  test('are the account’s of the pod, and nobody’s when somebody else gives them', async () => {
    const rendered = await objects();
    const subject = { kind: 'ServiceAccount', name: 'idhub-aws-connector', namespace: 'idhub-system' };
    const bindings = rendered.filter(
      ({ kind }) => kind.endsWith('RoleBinding') || kind === 'ClusterRoleBinding',
    );
    expect(bindings.map(({ subjects }) => subjects)).toEqual([[subject], [subject]]);
    expect((await podSpec()).serviceAccountName).toBe('idhub-aws-connector');
    const none = await objects({ rbac: { create: false }, serviceAccount: { create: false, name: 'mine' } });
    expect(none.filter(({ kind }) => /Role|ServiceAccount/.test(kind))).toEqual([]);
  });
});

describe('flags', () => {
  test('each one follows from values, and the operator takes them', async () => {
    const bundle = join(root, 'dist/operator.mjs');
    const help = await runCommand(process.execPath, [bundle, '--help'], { env: plainEnvironment });
    const flags = [...help.stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name = '']) => name);
    expect(flags.length).toBeGreaterThan(35);
    const given = await args(everything);
    const names = new Set(given.map((each) => /^--(?:no-)?([a-z-]+)/.exec(each)?.[1]));
    // The pod is in its cluster; the way out of it is extraArgs.
    const never = new Set(['kubeconfig', 'context', 'help', 'version']);
    expect(flags.filter((flag) => !names.has(flag) && !never.has(flag))).toEqual([]);
    for (const each of [given, await args()]) {
      // All that is wrong with it is the cluster that is not there.
      const started = await runCommand(
        process.execPath,
        [bundle, ...each.filter((arg) => !arg.includes('-address=0.0.0.0'))],
        {
          env: { ...plainEnvironment, HOME: home, KUBECONFIG: join(home, 'none') },
          timeoutMs: 60_000,
        },
      );
      expect([started.code, started.stderr]).toEqual([1, '']);
      expect(started.stdout).toContain('there is no kubeconfig');
    }
  });

  test('whole names and lists arrive whole', async () => {
    const given = await args(everything);
    expect(given).toEqual(
      expect.arrayContaining([
        '--http-address=[::]:7002',
        '--metrics-address=[::]:8080',
        '--business-owner=Jo Doe: "boss"',
        '--connector-states=UNKNOWN=Unresolved,UP=Up',
        '--oidc-audience=a,b',
        '--oidc-clients=c,d',
        '--trusted-proxies=10.0.0.0/8,192.0.2.1',
        '--tls-cert-file=/etc/idhub/tls/tls.crt',
      ]),
    );
    expect(await args()).toEqual(expect.arrayContaining(['--http-address=0.0.0.0:7002']));
    expect(await args()).toContain('--public-url=http://idhub-aws-connector.idhub-system.svc:7002');
    const proxied = await args({ http: { trustedProxies: ['10.0.0.0/8'] } });
    expect(proxied.filter((each) => each.startsWith('--public-url'))).toEqual([]);
    expect(await args({ leaderElect: false, replicas: 1 })).toContain('--no-leader-elect');
  });
});

const ownLabels = [
  'app.kubernetes.io/name',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/component',
  'app.kubernetes.io/version',
  'helm.sh/chart',
];

describe('values that make no sense are refused, with a sentence', () => {
  test.each([
    ['an unknown one', { replics: 3 }, "additional properties 'replics' not allowed"],
    [
      'an unknown one below',
      { http: { tls: { secret: 'x' } } },
      "additional properties 'secret' not allowed",
    ],
    ['a word for a number', { workers: 'many' }, 'want integer'],
    ['too many workers', { workers: 101 }, 'maximum: got 101, want 100'],
    ['no time', { snapshotInterval: '10 minutes' }, 'does not match pattern'],
    ['no level', { logLevel: 'loud' }, "value must be one of 'trace', 'debug', 'info', 'warn', 'error'"],
    ['no deletion', { http: { delete: 'Maybe' } }, "value must be one of 'Delete', 'Disable'"],
    ['no namespace', { watchNamespaces: ['Team_A'] }, 'does not match pattern'],
    ['a namespace twice', { watchNamespaces: ['a', 'a'] }, 'items at 0 and 1 are equal'],
    ['no digest', { image: { digest: 'latest' } }, 'does not match pattern'],
    [
      'a pod’s field that there is not',
      { affinity: { podAfinity: {} } },
      "additional properties 'podAfinity' not allowed",
    ],
    ['a volume without a source', { extraVolumes: [{ name: 'x' }] }, 'minProperties: got 1, want 2'],
    [
      'a state that there is not',
      { idhub: { states: { ON: 'x' } } },
      "additional properties 'ON' not allowed",
    ],
    ...(
      [
        ['podLabels', (labels) => ({ podLabels: labels })],
        ['serviceAccount.labels', (labels) => ({ serviceAccount: { labels } })],
        ['http.service.labels', (labels) => ({ http: { service: { labels } } })],
        ['metrics.service.labels', (labels) => ({ metrics: { service: { labels } } })],
        ['metrics.serviceMonitor.labels', (labels) => ({ metrics: { serviceMonitor: { labels } } })],
        ['metrics.prometheusRule.labels', (labels) => ({ metrics: { prometheusRule: { labels } } })],
        ['metrics.dashboard.labels', (labels) => ({ metrics: { dashboard: { labels } } })],
      ] as const satisfies readonly (readonly [string, (labels: object) => object])[]
    ).map(
      ([value, values], n) =>
        [
          `a label of the chart itself in ${value}`,
          values({ team: 'x', [ownLabels[n % ownLabels.length] ?? '']: 'x' }),
          `${value} has ${ownLabels[n % ownLabels.length]}, by which the chart finds`,
        ] as const,
    ),
    ['a number for a label', { podLabels: { a: 1 } }, 'got number, want string'],
    [
      'a pod that is killed before its work ends',
      { gracePeriod: '1m' },
      'write at least 68, so that running work can end',
    ],
    ['writers without a Lease', { leaderElect: false }, 'without the Lease, each replica would write'],
    [
      'two certificates',
      { http: { tls: { secretName: 'x', certManager: { enabled: true } } } },
      'the certificate comes from one of them',
    ],
    ['no issuer', { http: { tls: { certManager: { enabled: true } } } }, 'write the name of an issuer'],
    [
      'tokens for anybody',
      { http: { oidc: { issuer: 'https://x' } } },
      'write the audience of the tokens into http.oidc.audience',
    ],
    ['an audience of nobody', { http: { oidc: { audience: ['x'] } } }, 'go with http.oidc.issuer'],
    ['push without keys', { push: { url: 'https://x' } }, 'push.url and push.secret go together'],
    ['one port twice', { metrics: { port: 7002 } }, 'two servers cannot have one port'],
    ['a flag that a value stands for', { extraArgs: ['--no-leader-elect'] }, 'does not match pattern'],
    ['no time between readings', { snapshotInterval: '0s' }, 'does not match pattern'],
    [
      'lists that are always too old',
      { snapshotInterval: '1h', listMaxAge: '30m' },
      'lists would be refused most of the time',
    ],
    ['a look at IDHub once an hour', { idhub: { interval: '1h' } }, 'write a time from 1s to 10m'],
    [
      'an issuer that anybody can play',
      { http: { oidc: { issuer: 'http://id.example.com', audience: ['a'] } } },
      'whoever is on the way can come in as anybody',
    ],
    [
      'changes that anybody can read',
      { push: { url: 'http://hook.example.com', secret: 'x' } },
      'does not match pattern',
    ],
    ['a name in capitals', { nameOverride: 'UPPER' }, 'does not match pattern'],
    [
      'a monitor of nothing',
      { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
      'needs metrics.service.enabled',
    ],
  ])('%s', async (_, values, sentence) => {
    const { code, stderr } = await template(values);
    expect(code).not.toBe(0);
    expect(stderr).toContain(sentence);
  });
});

describe('values that make sense', () => {
  test.each([
    [
      'one replica has no budget',
      { replicas: 1 },
      (all: readonly Rendered[]) => !all.some(({ kind }) => kind === 'PodDisruptionBudget'),
    ],
    [
      'a grace period in milliseconds',
      { gracePeriod: '39001ms', terminationGracePeriodSeconds: 44 },
      () => true,
    ],
    [
      'a given certificate',
      { http: { tls: { secretName: 'mine' } } },
      (all: readonly Rendered[]) => JSON.stringify(all).includes('"secretName":"mine"'),
    ],
    [
      'another name',
      { fullnameOverride: 'aws' },
      (all: readonly Rendered[]) =>
        all.some(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'aws'),
    ],
    [
      'another default container, such as one that is put into the pod',
      { podAnnotations: { 'kubectl.kubernetes.io/default-container': 'sidecar', a: 'b' } },
      (all: readonly Rendered[]) =>
        JSON.stringify(all).includes(
          '"annotations":{"a":"b","kubectl.kubernetes.io/default-container":"sidecar"}',
        ),
    ],
    ['another port', { http: { port: 7100 }, metrics: { port: 9100 } }, () => true],
    ['as part of another chart', { global: { any: { thing: 1 } } }, () => true],
  ])('%s', async (_, values, holds) => {
    expect(holds(await objects(values))).toBe(true);
  });

  test('maps of labels and annotations that are taken away', async () => {
    const maps = ['podLabels', 'podAnnotations', 'metrics.dashboard.labels', 'serviceAccount.labels'];
    expect(
      await template(
        {},
        maps.map((name) => `--set=${name}=null`),
      ),
    ).toMatchObject({ code: 0 });
  });

  test('a port on the command line, whose numbers Helm reads as others', async () => {
    expect(await template({}, ['--set=http.port=7100'])).toMatchObject({ code: 0 });
    expect(await template({}, ['--set=http.port=8080'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('two servers cannot have one port') as unknown,
    });
  });
});

test.each([
  // The API server refuses what is said of a rolling update beside it, and Helm merges the default in.
  [{ strategy: { type: 'Recreate' } }, { type: 'Recreate' }],
  [
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } },
    { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  ],
  // The old pod and the new one would both write.
  [{ leaderElect: false, replicas: 1 }, { type: 'Recreate' }],
])('how a new version takes over with %j', async (values, strategy) => {
  const { spec } = await object('Deployment', values);
  expect((spec as { strategy: object }).strategy).toEqual(strategy);
});

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

async function alertRules(values: object): Promise<readonly AlertRule[]> {
  const { spec } = await object('PrometheusRule', values);
  return (spec as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules);
}

test('each alert names its runbook, and is a query of metrics that there are', async () => {
  const series = await ProcessSeries.read();
  const rules = await alertRules(everything);
  expect(rules.length).toBeGreaterThan(12);
  for (const { alert, annotations, expr } of rules) {
    expect(annotations['runbook_url']).toBe(`https://docs.example.com/operations#${alert.toLowerCase()}`);
    expect(annotations['summary']).toMatch(/\.$/);
    expect(readQuery(expr, (name) => series.labelsOf(name)).selectors).not.toEqual([]);
  }
});

test.each([
  ['1m', 1_800],
  ['10m', 1_800],
  ['15m', 2_700],
  ['2h', 21_600],
])('with a reading each %s, one is old after %s s', async (snapshotInterval, seconds) => {
  const rules = await alertRules({ snapshotInterval, metrics: { prometheusRule: { enabled: true } } });
  expect(rules.find(({ alert }) => alert === 'IdhubSnapshotOld')?.expr).toBe(
    `max by (connection) (idhub_snapshot_age_seconds) > ${seconds}`,
  );
});

test('where nobody has to lead, nobody is told that nobody leads', async () => {
  const metrics = { prometheusRule: { enabled: true } };
  const names = async (values: object): Promise<readonly string[]> =>
    (await alertRules({ metrics, ...values })).map(({ alert }) => alert);
  const all = await names({});
  expect(all).toContain('IdhubNoLeader');
  expect(await names({ leaderElect: false, replicas: 1 })).toEqual(
    all.filter((name) => name !== 'IdhubNoLeader'),
  );
});

test('the dashboard arrives as it is', async () => {
  const { data } = (await object('ConfigMap', everything)) as unknown as { data: Record<string, string> };
  const file = readFileSync(join(chart, 'files/dashboard.json'), 'utf8');
  expect(JSON.parse(data['idhub-aws-connector.json'] ?? '')).toEqual(JSON.parse(file));
});
