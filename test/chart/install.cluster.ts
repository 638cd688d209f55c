import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { connectionManifest, secretManifest } from '../e2e/world.ts';
import { selfSigned } from '../support/certificate.ts';
import { eventually } from '../support/process.ts';
import { asked } from './audit.ts';
import { caller, people, release, startStage, system, type Stage } from './stage.ts';

jest.setTimeout(900_000);

let stage: Stage;
let chart: string;

beforeAll(async () => {
  stage = await startStage();
  chart = stage.changedChart('0.1.0');
});

afterAll(async () => stage?.stop());

const authorization = `Basic ${Buffer.from(`${caller.user}:${caller.password}`).toString('base64')}`;

async function installed(verb: 'install' | 'upgrade', folder: string, ...further: string[]): Promise<string> {
  return stage.helm.must([
    verb,
    release,
    folder,
    `--namespace=${system}`,
    `--values=${stage.values}`,
    '--wait',
    '--timeout=5m',
    ...further,
  ]);
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

/** Those of the release that are not on their way out. */
async function pods(): Promise<readonly Pod[]> {
  const selector = `--selector=app.kubernetes.io/instance=${release}`;
  const text = await stage.kubectl(['get', 'pods', '-n', system, selector, '-o', 'json']);
  return (JSON.parse(text) as { items: Pod[] }).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

/** Ready of an object, for its present generation. */
async function ready(kind: string, name: string, withinMs = 60_000): Promise<void> {
  let last = '';
  await eventually(
    async () => {
      last = await stage.kubectl(['get', kind, name, '-n', people, '-o', 'json']);
      const { metadata, status } = JSON.parse(last) as {
        metadata: { generation: number };
        status?: { conditions?: { type: string; status: string; observedGeneration: number }[] };
      };
      const found = status?.conditions?.find(({ type }) => type === 'Ready');
      return found?.status === 'True' && found.observedGeneration === metadata.generation ? true : undefined;
    },
    { withinMs, everyMs: 250, what: `${kind} ${name} to be Ready` },
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}: ${last}`, { cause: error });
  });
}

const account = (name: string, spec: object = {}): object => ({
  apiVersion: 'aws.idhub.io/v1alpha1',
  kind: 'AwsAccount',
  metadata: { namespace: people, name },
  spec: { connectionRef: { name: 'aws' }, userName: name, ...spec },
});

describe('install', () => {
  test('both pods become ready, without a restart, and the notes say what to do next', async () => {
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: system, name: 'callers' },
      stringData: { 'basic.1': `${caller.user}:${caller.password}` },
    });
    const said = await installed('install', chart);
    expect(said).toContain(`kubectl -n ${system} rollout status deployment/${release}`);
    const running = await pods();
    expect(running).toHaveLength(2);
    for (const { status } of running) {
      expect(status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
      expect(status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0]);
    }
  });

  test('an account is made in AWS', async () => {
    await stage.apply(
      secretManifest(people, 'aws-credentials', stage.credentials),
      connectionManifest(people, 'aws', stage.simulatorUrl),
    );
    await ready('awsconnection', 'aws');
    await stage.apply(account('amira', { tags: { team: 'ops' } }), account('bo'), account('cy'));
    for (const name of ['amira', 'bo', 'cy']) {
      await ready('awsaccount', name);
    }
    expect((await stage.simulator.user('amira'))?.tags).toMatchObject({ team: 'ops' });
  });

  test('IDHub is answered through the Service, by whichever replica it comes to', async () => {
    const url = `http://${await stage.address(release)}:7002`;
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await eventually(
        async () => {
          const found = await fetch(
            `${url}/scim/v2/Users?filter=${encodeURIComponent('userName eq "amira"')}`,
            {
              headers: { authorization, connection: 'close' },
            },
          );
          return found.status === 200 ? found : undefined;
        },
        { withinMs: 60_000, everyMs: 500, what: 'a list of users' },
      );
      expect(await answer.json()).toMatchObject({ totalResults: 1, Resources: [{ userName: 'amira' }] });
    }
    expect((await fetch(`${url}/scim/v2/Users`)).status).toBe(401);
  });

  test('metrics answer through theirs', async () => {
    const answer = await fetch(`http://${await stage.address(`${release}-metrics`)}:8080/metrics`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^leader_election_master_status\{.*\} [01]$/m);
  });

  test('nobody but the operator has its rights', async () => {
    const may = async (user: string, ...what: string[]): Promise<string> =>
      (
        await stage.plane.kubectl(['auth', 'can-i', ...what, `--as=system:serviceaccount:${user}`])
      ).stdout.trim();
    for (const [verb, resource] of [
      ['get', 'secrets'],
      ['patch', 'awsaccounts.aws.idhub.io'],
      ['create', 'tokenreviews.authentication.k8s.io'],
    ] as const) {
      expect([verb, resource, await may(`${system}:default`, verb, resource, '-n', people)]).toEqual([
        verb,
        resource,
        'no',
      ]);
      expect([verb, resource, await may(`${system}:${release}`, verb, resource, '-n', people)]).toEqual([
        verb,
        resource,
        'yes',
      ]);
    }
    expect(await may(`${system}:${release}`, 'list', 'secrets', '-n', people)).toBe('no');
    expect(await may(`${system}:${release}`, 'create', 'pods', '-n', people)).toBe('no');
  });
});

describe('upgrade and rollback', () => {
  const added = 'nickname';
  const field = async (): Promise<string> =>
    stage.kubectl([
      'get',
      'crd',
      'awsaccounts.aws.idhub.io',
      '-o',
      `jsonpath={.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.${added}.type}`,
    ]);
  const uids = async (): Promise<string> =>
    stage.kubectl(['get', 'awsaccounts', '-n', people, '-o', 'jsonpath={.items[*].metadata.uid}']);

  test('a field that a new version adds is there and can be set; objects and users are as they were', async () => {
    const before = { uids: await uids(), writes: (await stage.simulator.writes()).length };
    expect(await field()).toBe('');
    const next = stage.changedChart('0.2.0', (crds) => {
      const file = join(crds, 'aws.idhub.io_awsaccounts.yaml');
      const text = readFileSync(file, 'utf8');
      const at = text.indexOf('                userName:\n');
      expect(at).toBeGreaterThan(0);
      writeFileSync(
        file,
        `${text.slice(0, at)}                ${added}:\n                  type: string\n${text.slice(at)}`,
      );
    });
    await installed('upgrade', next, '--set=podAnnotations.version=next');
    expect(await field()).toBe('string');
    const patch = JSON.stringify({ spec: { [added]: 'Al' } });
    await stage.kubectl(['patch', 'awsaccount', 'bo', '-n', people, '--type=merge', '-p', patch]);
    const read = ['get', 'awsaccount', 'bo', '-n', people, '-o', `jsonpath={.spec.${added}}`];
    expect(await stage.kubectl(read)).toBe('Al');
    await ready('awsaccount', 'bo');
    expect(await uids()).toBe(before.uids);
    expect((await stage.simulator.writes()).length).toBe(before.writes);
  });

  test('and the one before comes back', async () => {
    const before = { uids: await uids(), writes: (await stage.simulator.writes()).length };
    await stage.helm.must(['rollback', release, '1', `--namespace=${system}`, '--wait', '--timeout=5m']);
    expect(await field()).toBe('');
    expect(await uids()).toBe(before.uids);
    expect(await pods()).toHaveLength(2);
    await stage.apply(account('amira', { tags: { team: 'dev' } }));
    await ready('awsaccount', 'amira');
    expect((await stage.simulator.user('amira'))?.tags).toMatchObject({ team: 'dev' });
  });
});

/** The pod that leads, as its identity on the Lease begins with its name. */
async function leader(): Promise<string> {
  const args = ['get', 'lease', release, '-n', system, '-o', 'jsonpath={.spec.holderIdentity}'];
  return (await stage.kubectl(args)).replace(/_\d+$/, '');
}

/** Waits until another pod than `before` leads. @returns how long that took, in milliseconds */
async function handedOver(before: string, withinMs: number): Promise<number> {
  const started = performance.now();
  await eventually(
    async () => {
      const now = await leader();
      return now !== before && now !== '' ? true : undefined;
    },
    { withinMs, everyMs: 50, what: `another leader than ${before}` },
  );
  return performance.now() - started;
}

/** Applies accounts while something happens, and looks that each was made, once. */
async function underLoad(prefix: string, happens: () => Promise<void>): Promise<void> {
  const names: string[] = [];
  const over = new AbortController();
  const load = (async () => {
    for (let n = 0; !over.signal.aborted || n < 10; n += 1) {
      const name = `${prefix}${n}`;
      names.push(name);
      await stage.apply(account(name));
    }
  })();
  try {
    await happens();
  } finally {
    over.abort();
    await load;
  }
  for (const name of names) {
    await ready('awsaccount', name);
  }
  const made = (await stage.simulator.writes())
    .filter(
      ({ operation, code, user }) => operation === 'CreateUser' && code === 'OK' && user?.startsWith(prefix),
    )
    .map(({ user }) => user);
  expect(made).toHaveLength(names.length);
  expect(new Set(made)).toEqual(new Set(names));
}

async function bothReady(): Promise<void> {
  await stage.kubectl(['rollout', 'status', `deployment/${release}`, '-n', system, '--timeout=120s']);
  await eventually(async () => ((await pods()).length === 2 ? true : undefined), {
    withinMs: 60_000,
    everyMs: 250,
    what: 'two pods',
  });
}

describe('two replicas', () => {
  test('the leader’s pod is deleted under load: another leads within 5 s, and each account is made once', async () => {
    await bothReady();
    let took = Infinity;
    await underLoad('gone', async () => {
      const before = await leader();
      await stage.kubectl(['delete', 'pod', before, '-n', system, '--wait=false']);
      took = await handedOver(before, 30_000);
    });
    expect(took).toBeLessThan(5_000);
    await bothReady();
  });

  test('a restart of all pods under load loses nothing', async () => {
    await underLoad('rolled', async () => {
      await stage.kubectl(['rollout', 'restart', `deployment/${release}`, '-n', system]);
      await bothReady();
    });
    for (const { status } of await pods()) {
      expect(status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0]);
    }
  });

  test('a node that is drained under load keeps one pod while there is no other node', async () => {
    const node = (await stage.kubectl(['get', 'nodes', '-o', 'name'])).trim();
    try {
      await underLoad('drained', async () => {
        const drained = await stage.plane.kubectl([
          'drain',
          node,
          `--pod-selector=app.kubernetes.io/instance=${release}`,
          '--timeout=10s',
        ]);
        expect(drained.stderr).toContain("it would violate the pod's disruption budget");
      });
      const left = (await pods()).filter(({ status }) =>
        status.conditions?.some(({ type, status: word }) => type === 'Ready' && word === 'True'),
      );
      expect(left).toHaveLength(1);
    } finally {
      await stage.kubectl(['uncordon', node]);
    }
    await bothReady();
  });

  test('a leader that is frozen past its lease writes nothing when it goes on, and ends', async () => {
    const before = await leader();
    const pid = processOf(before);
    await underLoad('frozen', async () => {
      process.kill(pid, 'SIGSTOP');
      await handedOver(before, 60_000);
      process.kill(pid, 'SIGCONT');
    });
    const restarts = async (): Promise<number> =>
      (await pods()).find(({ metadata }) => metadata.name === before)?.status.containerStatuses?.[0]
        ?.restartCount ?? 0;
    await eventually(async () => ((await restarts()) === 1 ? true : undefined), {
      withinMs: 60_000,
      everyMs: 250,
      what: 'the end of the one that was frozen',
    });
    const log = await stage.kubectl(['logs', before, '-n', system, '--previous']);
    expect(log).toContain('the Lease was lost');
    await bothReady();
  });
});

/** The operator's process in a pod, by the pod's host name. */
function processOf(pod: string): number {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/app/operator.mjs') &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOSTNAME=${pod}\0`)
        );
      } catch {
        // It ended in between.
        return false;
      }
    });
  if (found === undefined) {
    throw new Error(`no process of ${pod}`);
  }
  return Number(found);
}

describe('what is asked of the API server', () => {
  test('is granted, all of it, and nothing was refused', async () => {
    const everything = asked(stage.plane, `${system}:${release}`);
    expect(everything.filter(({ code }) => code === 403 || code === 401)).toEqual([]);
    const used = new Set(everything.map(({ what }) => what));
    const roles = JSON.parse(
      await stage.kubectl([
        'get',
        'clusterrole,role',
        '-A',
        '-l',
        `app.kubernetes.io/instance=${release}`,
        '-o',
        'json',
      ]),
    ) as { items: { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] }[] };
    const granted = new Set(
      roles.items.flatMap(({ rules }) =>
        rules.flatMap(({ apiGroups, resources, verbs }) =>
          resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroups[0] ?? ''}/${resource}`)),
        ),
      ),
    );
    expect([...used].filter((what) => !granted.has(what))).toEqual([]);
  });
});

describe('uninstall', () => {
  test('deletes no user, no object and no definition, and leaves nothing else', async () => {
    const objects = ['get', 'awsaccounts,awsconnections', '-n', people, '-o', 'name'];
    const names = await stage.kubectl(objects);
    const before = (await stage.simulator.writes()).length;
    await stage.helm.must(['uninstall', release, `--namespace=${system}`, '--wait', '--timeout=5m']);
    for (const name of ['amira', 'bo', 'cy']) {
      expect(await stage.simulator.user(name)).toBeDefined();
    }
    expect(await stage.kubectl(objects)).toBe(names);
    expect(names).toContain('awsaccount.aws.idhub.io/amira');
    expect((await stage.simulator.writes()).length).toBe(before);
    const kinds = 'deployment,service,serviceaccount,role,rolebinding,poddisruptionbudget';
    const left = await stage.kubectl(['get', kinds, '-n', system, '-o', 'name']);
    expect(
      left
        .trim()
        .split('\n')
        .filter((name) => name.includes(release)),
    ).toEqual([]);
    const roles = await stage.kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name']);
    expect(roles.split('\n').filter((name) => name.includes(release))).toEqual([]);
  });

  test('installed again, it goes on where it was, without a write to AWS', async () => {
    const before = (await stage.simulator.writes()).length;
    await installed('install', chart);
    await stage.apply(account('dee'));
    await ready('awsaccount', 'dee');
    for (const name of ['amira', 'bo', 'cy']) {
      await ready('awsaccount', name);
    }
    const users = (await stage.simulator.writes()).slice(before).map(({ user }) => user);
    expect(new Set(users)).toEqual(new Set(['dee']));
  });
});

describe('for some namespaces, with a certificate', () => {
  const certificate = selfSigned(`${release}.${system}.svc`);
  let before = 0;

  test('the rights elsewhere are taken away, and work goes on', async () => {
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { namespace: system, name: 'tls' },
      stringData: { 'tls.crt': certificate.cert, 'tls.key': certificate.key },
    });
    await stage.plane.createNamespace('elsewhere');
    await installed('upgrade', chart, `--set=watchNamespaces={${people}}`, '--set=http.tls.secretName=tls');
    await bothReady();
    before = asked(stage.plane, `${system}:${release}`).length;
    await stage.apply(account('eve'), {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { namespace: 'elsewhere', name: 'nobody' },
      spec: { connectionRef: { name: 'aws' }, userName: 'nobody' },
    });
    await ready('awsaccount', 'eve');
    const status = ['get', 'awsaccount', 'nobody', '-n', 'elsewhere', '-o', 'jsonpath={.status}'];
    expect(await stage.kubectl(status)).toBe('');
    for (const [verb, resource, namespace] of [
      ['get', 'secrets', 'elsewhere'],
      ['get', 'secrets', 'kube-system'],
      ['list', 'awsaccounts.aws.idhub.io', 'elsewhere'],
    ] as const) {
      const as = `--as=system:serviceaccount:${system}:${release}`;
      const answer = await stage.plane.kubectl(['auth', 'can-i', verb, resource, '-n', namespace, as]);
      expect([verb, resource, namespace, answer.stdout.trim()]).toEqual([verb, resource, namespace, 'no']);
    }
  });

  test('IDHub is answered over TLS, by whichever replica it comes to', async () => {
    const host = await stage.address(release);
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await probeTls(host, certificate.cert);
      expect(answer).toMatchObject({ totalResults: 1, Resources: [{ userName: 'eve' }] });
    }
  });

  test('nothing was asked for elsewhere, and nothing was refused', () => {
    const since = asked(stage.plane, `${system}:${release}`).slice(before);
    expect(since.length).toBeGreaterThan(5);
    expect(since.filter(({ code }) => code === 403 || code === 401)).toEqual([]);
    const namespaces = new Set(since.map(({ namespace }) => namespace));
    expect([...namespaces].filter((each) => !['', people, system].includes(each))).toEqual([]);
  });

  /** A list of one user, asked by the name in the certificate. */
  function probeTls(host: string, ca: string): Promise<unknown> {
    return eventually(
      () =>
        new Promise<unknown>((resolve) => {
          const name = `${release}.${system}.svc`;
          const path = `/scim/v2/Users?filter=${encodeURIComponent('userName eq "eve"')}`;
          const headers = { authorization, host: name };
          const sent = request(
            { host, port: 7002, path, ca, servername: name, headers, agent: false },
            (answer) => {
              const text: string[] = [];
              answer.setEncoding('utf8').on('data', (part: string) => text.push(part));
              answer.on('end', () =>
                resolve(answer.statusCode === 200 ? (JSON.parse(text.join('')) as unknown) : undefined),
              );
            },
          );
          sent.on('error', () => resolve(undefined)).end();
        }),
      { withinMs: 60_000, everyMs: 500, what: 'a list of users over TLS' },
    );
  }
});
