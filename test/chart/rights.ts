import { CreateGroupCommand, UntagUserCommand } from '@aws-sdk/client-iam';
import { expect } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { account, type Release } from './release.ts';
import { caller, people, type Stage } from './stage.ts';

export const authorization = `Basic ${Buffer.from(`${caller.user}:${caller.password}`).toString('base64')}`;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the HTTP port at `url` until it does not say that it cannot answer yet. */
async function asked(url: string, path: string, body?: object): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await fetch(`${url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization, 'content-type': 'application/json', connection: 'close' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return answer.status === 503 || answer.status === 401
        ? undefined
        : { status: answer.status, body: JSON.parse(text === '' ? '{}' : text) as Answer['body'] };
    },
    { withinMs: 90_000, everyMs: 500, what: path },
  );
}

/**
 * Has the operator do what its rights are for and the other tests do not ask of it: it works for a client of the HTTP
 * port, makes runs and takes old ones away, gives a report to a person, sees the same drift twice, and loses objects
 * while it works on them.
 * @param prefix of the names of what is made
 */
export async function useRights(stage: Stage, release: Release, prefix: string, url: string): Promise<void> {
  const { iam, simulator } = stage;
  const name = (rest: string): string => `${prefix}-${rest}`;
  const group = name('group');
  const Group = { type: 'Group', name: group };
  await iam.send(new CreateGroupCommand({ GroupName: group }));
  const operation = async (id: string, what: object, status = 200): Promise<void> => {
    const answer = await asked(url, '/webhook/v1/operations', { operationId: name(id), ...what });
    expect([id, answer.status, answer.body]).toEqual([id, status, expect.anything()]);
  };

  // Pending after 25 s: it is kept meanwhile, and done once AWS can.
  const slow = name('slow');
  await simulator.fault({
    operation: 'CreateUser',
    user: slow,
    times: -1,
    error: { code: 'ServiceUnavailable', status: 503 },
  });
  const pending = operation('slow', { kind: 'create', data: { userName: slow } }, 202);
  await Promise.all([
    pending,
    person(),
    runs(),
    drift(),
    lost(account(name('lost')), `awsaccount/${name('lost')}`, 'CreateUser', name('lost')),
  ]);
  await simulator.clearFaults();
  await eventually(
    async () =>
      (await asked(url, `/webhook/v1/operations/${name('slow')}`)).body['status'] === 'done'
        ? true
        : undefined,
    { withinMs: 90_000, everyMs: 1_000, what: 'the end of what was pending' },
  );

  /** Comes with a password, has an entitlement and a key, and leaves. */
  async function person(): Promise<void> {
    const userName = name('ann');
    const data = { userName, password: { value: 'C4nary-Value!2026' }, entitlements: [Group] };
    await operation('ann-1', { kind: 'create', data });
    await operation('ann-2', { kind: 'removeEntitlement', account: { userName }, entitlements: [Group] });
    await operation('ann-3', { kind: 'delete', account: { userName } });
    expect(await simulator.user(userName)).toBeUndefined();
  }

  /** One for IDHub whose report a person reads, and one that goes by itself. */
  async function runs(): Promise<void> {
    const made = await asked(url, '/webhook/v1/reconciliations', {
      operationId: name('run'),
      resources: ['Account'],
    });
    expect(made.status).toBe(201);
    const run = String(made.body['name']);
    const meta = { namespace: people, name: name('reader') };
    await stage.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: meta,
        rules: [{ apiGroups: ['aws.idhub.io'], resources: ['awsreconciliations/report'], verbs: ['get'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: meta,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: meta.name },
        subjects: [{ kind: 'ServiceAccount', ...meta }],
      },
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsReconciliation',
        metadata: { namespace: people, name: name('short') },
        spec: { connectionRef: { name: 'aws' }, resources: ['Account'], ttlSecondsAfterFinished: 1 },
      },
    );
    await stage.kubectl([
      'wait',
      '--for=condition=Complete',
      `awsrecon/${run}`,
      '-n',
      people,
      '--timeout=60s',
    ]);
    const token = await stage.kubectl([
      'create',
      'token',
      meta.name,
      '-n',
      people,
      '--audience=idhub-aws-connector',
    ]);
    const report = await fetch(`${url}/reports/${people}/${run}`, {
      headers: { authorization: `Bearer ${token.trim()}` },
    });
    expect([report.status, (await report.text()).includes('"end":true')]).toEqual([200, true]);
    await stage.kubectl(['wait', '--for=delete', `awsrecon/${name('short')}`, '-n', people, '--timeout=60s']);
  }

  /** The same is mended twice, and said in one event. The Secret of its key moves. */
  async function drift(): Promise<void> {
    const userName = name('drift');
    const spec = { tags: { team: 'ops' }, programmatic: { access: 'Managed' }, entitlements: [Group] };
    await stage.apply(account(userName, spec));
    await release.ready('awsaccount', userName);
    await stage.apply(account(userName, { ...spec, credentialsSecretName: name('moved') }));
    await release.ready('awsaccount', userName);
    for (let times = 0; times < 2; times += 1) {
      await iam.send(new UntagUserCommand({ UserName: userName, TagKeys: ['team'] }));
      await eventually(
        async () => ((await simulator.user(userName))?.tags['team'] === 'ops' ? true : undefined),
        { withinMs: 60_000, everyMs: 250, what: 'the tag to be put back' },
      );
    }
    const member = name('member');
    const binding = {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: { namespace: people, name: member },
      spec: {
        connectionRef: { name: 'aws' },
        userName,
        entitlement: {
          type: 'InlinePolicy',
          name: member,
          document: { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 's3:*', Resource: '*' }] },
        },
      },
    };
    await lost(binding, `awsbind/${member}`, 'PutUserPolicy', userName);
  }

  /** Somebody takes an object away by force while the operator waits for AWS. */
  async function lost(object: object, which: string, call: string, user: string): Promise<void> {
    await simulator.fault({ operation: call, user, latencyMs: 3_000 });
    const done = async (): Promise<boolean> =>
      (await simulator.faults()).some(
        (each) => each.operation === call && each.user === user && each.hits > 0,
      );
    await stage.apply(object);
    await eventually(async () => ((await done()) ? true : undefined), {
      withinMs: 60_000,
      everyMs: 100,
      what: `${call} for ${user}`,
    });
    await stage.patch(which, people, { metadata: { finalizers: null } });
    await stage.kubectl(['delete', which, '-n', people, '--ignore-not-found']);
  }
}
