import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { CreateGroupCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { clusterMode } from '../cluster/index.ts';
import { connectionManifest, secretManifest } from '../e2e/world.ts';
import { selfSigned } from '../support/certificate.ts';
import { eventually } from '../support/process.ts';
import { asked, compare, rightsOf, type RoleObject } from './audit.ts';
import { describeReplicas, faults } from './faults.ts';
import { account, isReady, Release } from './release.ts';
import { authorization, useRights } from './rights.ts';
import { caller, people, releaseName, startStage, system, type Stage } from './stage.ts';

jest.setTimeout(900_000);

let stage: Stage;
let release: Release;
let chart: string;

beforeAll(async () => {
  stage = await startStage();
  release = new Release(stage);
  chart = stage.changedChart('0.1.0');
});

afterAll(async () => stage?.stop());

/** A test of what nobody may do but on a control plane and a node of their own; elsewhere its name says that it is not run. */
function ours(title: string, run: () => Promise<void>): void {
  const mode = clusterMode(process.env);
  if (mode === 'local') {
    test(title, run);
  } else {
    test(`NOT RUN with CLUSTER=${mode}, whose processes are not ours: ${title}`, () => {
      expect(() => stage.plane.components.apiserver.pause()).toThrow(`with CLUSTER=${mode} the processes`);
    });
  }
}

const serviceAccount = `${system}:${releaseName}`;

async function url(service = releaseName, port = 7002): Promise<string> {
  const at = await stage.reach(service, port);
  return `http://${at.host}:${at.port}`;
}

const list = (userName: string): string =>
  `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`;

/** `kubectl auth can-i`, of a ServiceAccount. */
async function may(who: string, verb: string, resource: string, namespace: string): Promise<string> {
  const as = `--as=system:serviceaccount:${who}`;
  const { stdout } = await stage.plane.kubectl(['auth', 'can-i', verb, resource, '-n', namespace, as]);
  return stdout.trim();
}

async function roles(): Promise<readonly RoleObject[]> {
  const selector = `--selector=app.kubernetes.io/instance=${releaseName}`;
  const text = await stage.kubectl(['get', 'clusterrole,role', '-A', selector, '-o', 'json']);
  return (JSON.parse(text) as { items: RoleObject[] }).items;
}

/** Uids of the release's objects, so that another of the same name is seen. */
async function uids(): Promise<string> {
  const kinds = 'awsaccounts,awsconnections,awsentitlementbindings';
  return stage.kubectl(['get', kinds, '-n', people, '-o', 'jsonpath={.items[*].metadata.uid}']);
}

async function writes(): Promise<number> {
  return (await stage.simulator.writes()).length;
}

async function scale(replicas: number): Promise<void> {
  await stage.kubectl(['scale', `deployment/${releaseName}`, '-n', system, `--replicas=${replicas}`]);
  await eventually(async () => ((await release.pods({ all: true })).length === replicas ? true : undefined), {
    withinMs: 120_000,
    everyMs: 250,
    what: `${replicas} pods`,
  });
}

const allKinds = 'awsaccounts,awsconnections,awsentitlementbindings';

describe('install', () => {
  test('both pods become ready, without a restart, and the notes say what to do next', async () => {
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: system, name: 'callers' },
      stringData: { 'basic.1': `${caller.user}:${caller.password}` },
    });
    const said = await release.install('install', chart);
    expect(said).toContain(`kubectl -n ${system} rollout status deployment/${releaseName}`);
    const running = await release.pods();
    expect(running).toHaveLength(2);
    for (const { status } of running) {
      expect(status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
      expect(status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0]);
    }
  });

  test('an account is made in AWS, and gets what is bound to it', async () => {
    await stage.iam.send(new CreateGroupCommand({ GroupName: 'Dev' }));
    await stage.apply(
      secretManifest(people, 'aws-credentials', stage.credentials),
      connectionManifest(people, 'aws', stage.simulatorUrl),
    );
    await release.ready('awsconnection', 'aws');
    await stage.apply(account('amira', { tags: { team: 'ops' } }), account('bo'), account('cy'), {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: { namespace: people, name: 'amira-dev' },
      spec: { accountRef: { name: 'amira' }, entitlement: { type: 'Group', name: 'Dev' } },
    });
    for (const each of ['amira', 'bo', 'cy']) {
      await release.ready('awsaccount', each);
    }
    await release.ready('awsentitlementbinding', 'amira-dev');
    expect(await stage.simulator.user('amira')).toMatchObject({ tags: { team: 'ops' }, groups: ['Dev'] });
  });

  test('IDHub is answered through the Service, by whichever replica it comes to', async () => {
    const at = await url();
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await eventually(
        async () => {
          const found = await fetch(`${at}${list('amira')}`, {
            headers: { authorization, connection: 'close' },
          });
          return found.status === 200 ? found : undefined;
        },
        { withinMs: 60_000, everyMs: 500, what: 'a list of users' },
      );
      expect(await answer.json()).toMatchObject({ totalResults: 1, Resources: [{ userName: 'amira' }] });
    }
    expect((await fetch(`${at}/scim/v2/Users`)).status).toBe(401);
  });

  test('metrics answer through theirs', async () => {
    const answer = await fetch(`${await url(`${releaseName}-metrics`, 8080)}/metrics`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^leader_election_master_status\{.*\} [01]$/m);
  });

  test('nobody but the operator has its rights', async () => {
    for (const [verb, resource] of [
      ['get', 'secrets'],
      ['patch', 'awsaccounts.aws.idhub.io'],
      ['create', 'tokenreviews.authentication.k8s.io'],
    ] as const) {
      const asOther = await may(`${system}:default`, verb, resource, people);
      expect([verb, resource, asOther]).toEqual([verb, resource, 'no']);
      const asOperator = await may(serviceAccount, verb, resource, people);
      expect([verb, resource, asOperator]).toEqual([verb, resource, 'yes']);
    }
    expect(await may(serviceAccount, 'list', 'secrets', people)).toBe('no');
    expect(await may(serviceAccount, 'create', 'pods', people)).toBe('no');
  });
});

describe('upgrade and rollback', () => {
  const added = 'nickname';
  const field = async (part: 'spec' | 'status'): Promise<string> =>
    stage.kubectl([
      'get',
      'crd',
      'awsaccounts.aws.idhub.io',
      '-o',
      `jsonpath={.spec.versions[0].schema.openAPIV3Schema.properties.${part}.properties.${added}.type}`,
    ]);
  const read = (part: 'spec' | 'status'): Promise<string> =>
    stage.kubectl(['get', 'awsaccount', 'bo', '-n', people, '-o', `jsonpath={.${part}.${added}}`]);
  const set = (part: 'spec' | 'status', ...further: readonly string[]): Promise<void> =>
    stage.patch('awsaccount/bo', people, { [part]: { [added]: 'Al' } }, ...further);

  test('fields that a new version adds are there and can be set; objects and users are as they were', async () => {
    const before = { uids: await uids(), writes: await writes() };
    expect([await field('spec'), await field('status')]).toEqual(['', '']);
    const next = stage.changedChart('0.2.0', (crds) => {
      const file = join(crds, 'aws.idhub.io_awsaccounts.yaml');
      let text = readFileSync(file, 'utf8');
      // The first fields of the spec and of the status that stand so far in.
      for (const at of ['\n                userName:', '\n                observedGeneration:']) {
        expect(text).toContain(at);
        text = text.replace(at, `\n                ${added}:\n                  type: string${at}`);
      }
      writeFileSync(file, text);
    });
    await release.install('upgrade', next, '--set=podAnnotations.version=next');
    expect([await field('spec'), await field('status')]).toEqual(['string', 'string']);
    await set('spec');
    await release.ready('awsaccount', 'bo');
    await set('status', '--subresource=status');
    expect([await read('spec'), await read('status')]).toEqual(['Al', 'Al']);
    expect(await uids()).toBe(before.uids);
    expect(await writes()).toBe(before.writes);
  });

  test('and the one before comes back', async () => {
    const before = { uids: await uids(), writes: await writes() };
    await stage.helm.must(['rollback', releaseName, '1', `--namespace=${system}`, '--wait', '--timeout=5m']);
    expect([await field('spec'), await field('status')]).toEqual(['', '']);
    expect(await uids()).toBe(before.uids);
    expect(await writes()).toBe(before.writes);
    expect(await release.pods()).toHaveLength(2);
    await stage.apply(account('amira', { tags: { team: 'dev' } }));
    await release.ready('awsaccount', 'amira');
    expect((await stage.simulator.user('amira'))?.tags).toMatchObject({ team: 'dev' });
  });
});

describe('definitions of the version before', () => {
  test('pods are not ready and say what is out of date; with current ones they go on, and nothing is lost', async () => {
    const before = { uids: await uids(), writes: await writes() };
    const older = stage.changedChart('0.0.9', (crds) => {
      const file = join(crds, 'aws.idhub.io_awsaccounts.yaml');
      const text = readFileSync(file, 'utf8');
      const without = text.replace(/^ {16}userId:\n(?: {18}.*\n)+/m, '');
      expect(without).not.toBe(text);
      writeFileSync(file, without);
    });
    const common = [`--namespace=${system}`, `--values=${stage.values}`];
    await stage.helm.must(['upgrade', releaseName, older, ...common]);
    const said = 'CRD out of date: awsaccounts.aws.idhub.io lacks status.userId';
    const waiting = await eventually(
      async () => {
        const all = await release.pods();
        return all.length > 0 && all.every((each) => !isReady(each)) ? all : undefined;
      },
      { withinMs: 120_000, everyMs: 500, what: 'no pod to be ready' },
    );
    for (const { metadata } of waiting) {
      await eventually(
        async () => {
          const { stdout } = await stage.plane.kubectl(['logs', metadata.name, '-n', system]);
          return stdout.includes(said) ? true : undefined;
        },
        { withinMs: 60_000, everyMs: 500, what: `${metadata.name} to say what is out of date` },
      );
    }
    // What the operator's version before has put there is readable as before.
    expect(await uids()).toBe(before.uids);
    await release.install('upgrade', chart);
    await release.twoReady();
    for (const each of ['amira', 'bo', 'cy']) {
      await release.ready('awsaccount', each);
    }
    const status = ['get', 'awsaccount', 'amira', '-n', people, '-o', 'jsonpath={.status.userId}'];
    expect(await stage.kubectl(status)).toBe((await stage.simulator.user('amira'))?.userId);
    expect(await uids()).toBe(before.uids);
    expect(await writes()).toBe(before.writes);
  });
});

describeReplicas(
  () => stage,
  () => release,
);

describe('processes are disturbed', () => {
  for (const [title, run] of faults) {
    ours(title, () => run(stage, release));
  }
});

/** A right that no request shows: admission asks for it when an object is made to hold up its owner's deletion. */
const finalizers = 'update aws.idhub.io/awsaccounts/finalizers';

describe('rights', () => {
  test('the operator works with those it has', async () => {
    await useRights(stage, release, 'all', await url());
  }, 240_000);

  ours(
    'one of them is for clusters with OwnerReferencesPermissionEnforcement, and does it there',
    async () => {
      const [lesser] = await roles().then((all) =>
        all.filter(({ metadata }) => metadata.namespace === undefined),
      );
      const rules = lesser?.rules.filter(({ resources }) => !resources.includes('awsaccounts/finalizers'));
      expect(rules).toHaveLength((lesser?.rules.length ?? 0) - 1);
      const meta = { name: 'lesser', namespace: people };
      await stage.apply(
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta },
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: meta, rules },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: meta,
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'lesser' },
          subjects: [{ kind: 'ServiceAccount', ...meta }],
        },
      );
      // One that the operator made.
      const made = JSON.parse(
        await stage.kubectl(['get', 'awsentitlementbindings', '-n', people, '-o', 'json']),
      ) as { items: { metadata: { ownerReferences?: { blockOwnerDeletion?: boolean }[] }; spec: object }[] };
      const held = made.items.find(({ metadata }) =>
        metadata.ownerReferences?.some(({ blockOwnerDeletion }) => blockOwnerDeletion === true),
      );
      expect(held).toBeDefined();
      const again = JSON.stringify({
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsEntitlementBinding',
        metadata: {
          namespace: people,
          name: 'again',
          ownerReferences: held?.metadata.ownerReferences,
        },
        spec: held?.spec,
      });
      const make = (as: string) =>
        stage.plane.kubectl(['create', '-f', '-', '--dry-run=server', `--as=system:serviceaccount:${as}`], {
          stdin: again,
        });
      expect(await make(`${people}:lesser`)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot set blockOwnerDeletion'),
      });
      expect(await make(serviceAccount)).toMatchObject({ code: 0, stderr: '' });
    },
  );

  ours('each one is used, and no other is asked for', async () => {
    const { unused, missing } = compare(rightsOf(await roles()), asked(stage.plane, serviceAccount));
    expect({ unused, missing }).toEqual({ unused: [finalizers], missing: [] });
  });
});

describe('without the operator', () => {
  test('nobody holds the Lease once the pods have ended', async () => {
    await scale(0);
    expect(await release.leader()).toBe('');
  });

  test('an account can be deleted, and waits; its finalizers can be taken away; others are left alone', async () => {
    const before = await writes();
    await stage.kubectl(['delete', 'awsaccount', 'cy', '-n', people, '--wait=false']);
    const get = ['get', 'awsaccount', 'cy', '-n', people, '--ignore-not-found', '-o'];
    expect(await stage.kubectl([...get, 'jsonpath={.metadata.deletionTimestamp}'])).not.toBe('');
    const others = await stage.kubectl(['get', allKinds, '-n', people, '-o', 'name']);
    await stage.patch('awsaccount/cy', people, { metadata: { finalizers: null } });
    await eventually(async () => ((await stage.kubectl([...get, 'name'])) === '' ? true : undefined), {
      what: 'cy to be gone',
    });
    expect(await stage.kubectl(['get', allKinds, '-n', people, '-o', 'name'])).toBe(
      others.replace('awsaccount.aws.idhub.io/cy\n', ''),
    );
    expect(await stage.simulator.user('cy')).toBeDefined();
    expect(await writes()).toBe(before);
  });

  test('objects of other namespaces are made, changed and deleted, and namespaces end', async () => {
    await stage.plane.createNamespace('bystanders');
    const named = (kind: string, rest: object): object => ({
      kind,
      metadata: { namespace: 'bystanders', name: 'one' },
      ...rest,
    });
    await stage.apply(
      named('ConfigMap', { apiVersion: 'v1', data: { a: '1' } }),
      named('AwsAccount', {
        apiVersion: 'aws.idhub.io/v1alpha1',
        spec: { connectionRef: { name: 'aws' }, userName: 'one' },
      }),
    );
    await stage.patch('configmap/one', 'bystanders', { data: { a: '2' } });
    await stage.kubectl(['delete', 'awsaccount', 'one', '-n', 'bystanders', '--timeout=20s']);
    await stage.kubectl(['delete', 'namespace', 'bystanders', '--timeout=60s']);
  });

  test('it goes on at once when it is back', async () => {
    await scale(2);
    await release.twoReady();
    await stage.apply(account('back'));
    await release.ready('awsaccount', 'back', 10_000);
  });
});

describe('uninstall', () => {
  const certificate = selfSigned(`${releaseName}.${system}.svc`);

  test('deletes no user, no object and no definition, and leaves nothing else', async () => {
    const objects = ['get', allKinds, '-n', people, '-o', 'name'];
    const names = await stage.kubectl(objects);
    const definitions = await stage.kubectl(['get', 'crd', '-o', 'name']);
    const before = await writes();
    await stage.helm.must(['uninstall', releaseName, `--namespace=${system}`, '--wait', '--timeout=5m']);
    for (const each of ['amira', 'bo']) {
      expect(await stage.simulator.user(each)).toBeDefined();
    }
    expect(await stage.kubectl(objects)).toBe(names);
    expect(names).toContain('awsaccount.aws.idhub.io/amira');
    expect(await stage.kubectl(['get', 'crd', '-o', 'name'])).toBe(definitions);
    expect(definitions).toContain('awsaccounts.aws.idhub.io');
    expect(await writes()).toBe(before);
    const kinds = 'deployment,service,serviceaccount,role,rolebinding,poddisruptionbudget';
    const ofRelease = (text: string): string[] =>
      text.split('\n').filter((each) => each.includes(releaseName));
    expect(ofRelease(await stage.kubectl(['get', kinds, '-n', system, '-o', 'name']))).toEqual([]);
    const clusterWide = await stage.kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name']);
    expect(ofRelease(clusterWide)).toEqual([]);
  });

  test('installed again, with a certificate, it goes on where it was, without a write to AWS', async () => {
    const before = await writes();
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { namespace: system, name: 'tls' },
      stringData: { 'tls.crt': certificate.cert, 'tls.key': certificate.key },
    });
    await release.install('install', chart, '--set=http.tls.secretName=tls');
    await stage.apply(account('dee'));
    // The rights went with the pods, so that the Lease could not be given back: it runs out.
    await release.ready('awsaccount', 'dee', 60_000);
    await release.allReady();
    const users = (await stage.simulator.writes()).slice(before).map(({ user }) => user);
    expect(new Set(users)).toEqual(new Set(['dee']));
  });

  test('IDHub is answered over TLS, by whichever replica it comes to', async () => {
    const at = await stage.reach(releaseName, 7002);
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await eventually(() => listOverTls(at, certificate.cert), {
        withinMs: 60_000,
        everyMs: 500,
        what: 'a list of users over TLS',
      });
      expect(answer).toMatchObject({ totalResults: 1, Resources: [{ userName: 'dee' }] });
    }
  });

  /** Of one user, asked by the name in the certificate; undefined where it is not answered. */
  function listOverTls(
    { host, port }: { readonly host: string; readonly port: number },
    ca: string,
  ): Promise<unknown> {
    const servername = `${releaseName}.${system}.svc`;
    const headers = { authorization, host: servername };
    return new Promise((resolve) => {
      const sent = request(
        { host, port, path: list('dee'), ca, servername, headers, agent: false },
        (answer) => {
          const text: string[] = [];
          answer.setEncoding('utf8').on('data', (part: string) => text.push(part));
          answer.on('end', () =>
            resolve(answer.statusCode === 200 ? (JSON.parse(text.join('')) as unknown) : undefined),
          );
        },
      );
      sent.on('error', () => resolve(undefined)).end();
    });
  }
});

describe('for some namespaces', () => {
  let since = 0;
  const log = () => asked(stage.plane, serviceAccount).slice(since);

  test('the rights elsewhere are taken away, and work goes on', async () => {
    await stage.plane.createNamespace('elsewhere');
    await release.install('upgrade', chart, `--set=watchNamespaces={${people}}`);
    await release.twoReady();
    await stage.apply(account('eve'), {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { namespace: 'elsewhere', name: 'nobody' },
      spec: { connectionRef: { name: 'aws' }, userName: 'nobody' },
    });
    await release.ready('awsaccount', 'eve');
    const status = ['get', 'awsaccount', 'nobody', '-n', 'elsewhere', '-o', 'jsonpath={.status}'];
    expect(await stage.kubectl(status)).toBe('');
    for (const [verb, resource, namespace] of [
      ['get', 'secrets', 'elsewhere'],
      ['get', 'secrets', 'kube-system'],
      ['list', 'awsaccounts.aws.idhub.io', 'elsewhere'],
    ] as const) {
      const answer = await may(serviceAccount, verb, resource, namespace);
      expect([verb, resource, namespace, answer]).toEqual([verb, resource, namespace, 'no']);
    }
  });

  ours('each right is used, no other is asked for, and nothing elsewhere', async () => {
    since = asked(stage.plane, serviceAccount).length;
    // What a first start makes is made again.
    const kept = await stage.kubectl(['get', 'configmaps,secrets', '-n', system, '-o', 'name']);
    const operations = kept.split('\n').filter((each) => each.includes('idhub-aws-connector-operations'));
    await stage.kubectl(['delete', '-n', system, ...operations]);
    await stage.kubectl(['delete', 'lease', releaseName, '-n', system]);
    await stage.kubectl(['rollout', 'restart', `deployment/${releaseName}`, '-n', system]);
    await stage.kubectl(['rollout', 'status', `deployment/${releaseName}`, '-n', system, '--timeout=120s']);
    await release.twoReady();
    await useRights(stage, release, 'some', await url());
    // Watches are in the log once they have ended.
    await scale(0);
    const { unused, missing } = compare(rightsOf(await roles()), log());
    expect({ unused, missing }).toEqual({ unused: [`${finalizers} in ${people}`], missing: [] });
    expect(new Set(log().map(({ namespace }) => namespace))).toEqual(new Set(['', people, system]));
    const everywhere = (await roles()).filter(({ metadata }) => metadata.namespace === undefined);
    expect(rightsOf(everywhere).map(({ resource }) => resource)).toEqual([
      'authentication.k8s.io/tokenreviews',
      'authorization.k8s.io/subjectaccessreviews',
    ]);
    await scale(2);
  });
});

describe('the end of the operator’s namespace', () => {
  test('it ends, with the operator in it; objects and users are as they were', async () => {
    const objects = await uids();
    const before = await writes();
    await stage.kubectl(['delete', 'namespace', system, '--timeout=120s']);
    expect(await uids()).toBe(objects);
    expect(await writes()).toBe(before);
  });
});
