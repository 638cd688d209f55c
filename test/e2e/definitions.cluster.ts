import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateGroupCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { fieldsOf } from '../../operator/definitions/fields.ts';
import { neededDefinitions } from '../../operator/definitions/index.ts';
import type { OpenApiDocument, OpenApiSchema } from '../../operator/runtime/index.ts';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { eventually, type StartedProcess } from '../support/process.ts';
import { portUrl, writeCallers } from './port.ts';
import { operatorWrites, patch, settled, snapshotEvery, user } from './support.ts';
import { connectionManifest, secretManifest, startWorld, systemNamespace, type World } from './world.ts';

jest.setTimeout(180_000);
const root = join(import.meta.dirname, '../..');
const bundle = join(root, 'dist/operator.mjs');
const document = '/openapi/v3/apis/aws.idhub.io/v1alpha1';

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly versions: { readonly schema: { readonly openAPIV3Schema: OpenApiSchema } }[] };
}

type Part = Record<string, OpenApiSchema>;

let plane: ControlPlane;
let world: World;
/** As they are in crds/. */
let crds: ReadonlyMap<string, Crd>;

beforeAll(async () => {
  const folder = join(root, 'crds');
  const files = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  );
  crds = new Map(files.map((text) => parse(text) as Crd).map((crd) => [crd.metadata.name, crd]));
  plane = await startControlPlane();
  world = await startWorld({ plane, namespace: 'versions', start: false });
  await writeCallers(world, 'callers', { 'basic.1': 'idhub:password-of-idhub' });
});
afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

interface Replica {
  readonly name: string;
  readonly process: StartedProcess;
  readonly url: string;
}

async function start(name: string, of = bundle): Promise<Replica> {
  const flags = [
    snapshotEvery,
    '--leader-elect',
    `--identity=${name}`,
    '--http-auth-secret=callers',
    '--default-connection=versions/aws',
    '--log-level=trace',
  ];
  const spawned = world.spawnOperator(flags, of);
  return { name, process: spawned.process, url: await spawned.metricsUrl() };
}

async function probe({ url }: Replica): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, text: (await answer.text()).trim() };
}

/** Waits until `/readyz` is 503 with a text that has this in it. */
async function waits(one: Replica, what: string): Promise<string> {
  return eventually(
    async () => {
      const { status, text } = await probe(one);
      return status === 503 && text.includes(what) ? text : undefined;
    },
    { withinMs: 15_000, what: `/readyz to say ${what}` },
  );
}

async function ready(one: Replica): Promise<void> {
  await eventually(async () => ((await probe(one)).status === 200 ? true : undefined), {
    withinMs: 60_000,
    what: `${one.name} to be ready; ${one.process.lines.slice(-10).join('\n')}`,
  });
}

/** Of `idhub_crd_outdated`, by the plural of the definition. */
async function gauges({ url }: Replica): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^idhub_crd_outdated\{crd="(\w+)\.aws\.idhub\.io"\} (\d)$/gm)].map(([, crd, value]) => [
      crd,
      Number(value),
    ]),
  );
}

async function calls({ url }: Replica): Promise<boolean> {
  return (await (await fetch(`${url}/metrics`)).text()).includes('\nidhub_aws_calls_total{');
}

/** Waits until it has looked at what is served so many times more. */
async function looks({ process }: Replica, more: number): Promise<void> {
  const count = (): number => process.lines.filter((line) => line.includes('"/openapi/v3/')).length;
  const wanted = count() + more;
  await eventually(async () => (count() >= wanted ? true : undefined), {
    withinMs: 60_000,
    what: `${more} looks`,
  });
}

/** Who holds the Lease, '' where nobody does. */
async function holder(): Promise<string> {
  return world.kubectl([
    'get',
    'lease',
    'idhub-aws-connector',
    '-n',
    systemNamespace,
    '--ignore-not-found',
    '-o',
    'jsonpath={.spec.holderIdentity}',
  ]);
}

const kinds = ['awsaccount', 'awsentitlementbinding', 'awsconnection', 'awsreconciliation'];

interface Seen {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: object;
}

/** Objects of these kinds. */
async function objects(of: readonly string[] = kinds): Promise<readonly Seen[]> {
  const { items } = JSON.parse(await world.kubectl(['get', of.join(), '-n', 'versions', '-o', 'json'])) as {
    items: Seen[];
  };
  return items;
}

async function versions(of: readonly string[]): Promise<readonly string[]> {
  return (await objects(of)).map(
    ({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`,
  );
}

/** Replaces a definition as it stands in crds/ by what becomes of it. */
async function serve(
  name: string,
  change: (spec: Part, status: Part) => void = () => undefined,
): Promise<void> {
  const crd = structuredClone(crds.get(name));
  const schema = crd?.spec.versions[0]?.schema.openAPIV3Schema.properties;
  change(schema?.['spec']?.properties as Part, schema?.['status']?.properties as Part);
  await world.kubectl(
    ['apply', '--server-side', '--force-conflicts', '--field-manager=idhub-aws-connector-test', '-f', '-'],
    JSON.stringify(crd),
  );
}

const accounts = 'awsaccounts.aws.idhub.io';

async function published(): Promise<OpenApiDocument> {
  return JSON.parse(await world.kubectl(['get', '--raw', document])) as OpenApiDocument;
}

/** What the message says is to be done. */
async function upgrade(message: string): Promise<void> {
  expect(message).toContain('kubectl apply --server-side --force-conflicts -f crds/');
  await world.kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(root, 'crds')]);
}

let first: Replica;

test('no CRDs at all: alive, not ready, nothing is written; goes on by itself once they are there', async () => {
  first = await start('first');
  const text = await waits(first, 'CRDs not installed: aws.idhub.io/v1alpha1 is not served');
  expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
  expect(await gauges(first)).toEqual({
    awsaccounts: 1,
    awsconnections: 1,
    awsentitlementbindings: 1,
    awsreconciliations: 1,
  });
  expect(await holder()).toBe('');
  expect(await world.kubectl(['get', 'configmap,secret', '-n', systemNamespace, '-o', 'name'])).not.toContain(
    'idhub-aws-connector',
  );
  await upgrade(text);
  await ready(first);
  expect(Object.values(await gauges(first))).toEqual([0, 0, 0, 0]);
});

test('a real API server publishes of each definition all that is compared, and says when it is as before', async () => {
  const { components } = await published();
  for (const { kind, fields } of neededDefinitions.kinds) {
    const schema = components?.schemas?.[`io.idhub.aws.v1alpha1.${kind}`];
    expect(fieldsOf(schema ?? {})).toEqual(fields);
  }
  const log = first.process.lines.filter((line) => line.includes('CRD'));
  expect(log).toHaveLength(2);
  expect(log[0]).toContain('"level":"error"');
  expect(log[1]).toContain('"level":"info"');
});

test('the operator works: an account that is shut out, with a group, and a run', async () => {
  await world.iam.send(new CreateGroupCommand({ GroupName: 'Readers' }));
  await world.apply(
    secretManifest('versions', 'aws-credentials', world.credentials),
    connectionManifest('versions', 'aws', world.simulatorUrl),
  );
  await world.until('awsconnection', 'aws', { status: 'True' });
  await world.apply(
    world.accountManifest('jo', {
      userName: 'jo',
      enabled: false,
      entitlements: [{ type: 'Group', name: 'Readers' }],
    }),
    world.runManifest('run'),
  );
  await settled(world, 'jo');
  await world.until('awsreconciliation', 'run', { type: 'Complete', status: 'True' });
  await eventually(async () => ((await user(world, 'jo')).groups.includes('Readers') ? true : undefined));
  const all = await objects();
  expect(new Set(all.map(({ kind }) => kind)).size).toBe(4);
  expect(all.filter(({ status }) => status === undefined)).toEqual([]);
});

test('CRDs of a later version, beside the operator that works and before one that starts: fine', async () => {
  const change = looks(first, 1);
  await serve(accounts, (spec, status) => {
    spec['later'] = { type: 'string' };
    (spec['deletionPolicy'] as { enum: string[] }).enum.push('Archive');
    status['later'] = { type: 'string' };
  });
  // A second after that the API server ends the watch of accounts.
  await change;
  await patch(world, 'jo', { spec: { tags: { later: 'yes' } } });
  await eventually(async () => ((await user(world, 'jo')).tags['later'] === 'yes' ? true : undefined));
  expect((await probe(first)).status).toBe(200);
  const second = await start('second');
  await ready(second);
  expect(Object.values(await gauges(second))).toEqual([0, 0, 0, 0]);
  expect(await second.process.stop()).toBe(0);
  await serve(accounts);
  await settled(world, 'jo');
});

test('a new version waits on the CRDs of before, while the old one leads and works; then it takes over', async () => {
  const needs = (await readFile(bundle, 'utf8')).replace(
    '"spec.enabled":{type:"boolean"}',
    (field) => `${field},"spec.later":{type:"string"}`,
  );
  expect(needs).toContain('"spec.later"');
  const next = join(plane.stateDir, 'next.mjs');
  await writeFile(next, needs);
  const second = await start('second', next);
  await waits(second, `CRD out of date: ${accounts} lacks spec.later;`);
  await patch(world, 'jo', { spec: { tags: { later: 'still' } } });
  await eventually(async () => ((await user(world, 'jo')).tags['later'] === 'still' ? true : undefined));
  expect(await holder()).toBe('first');
  expect(await first.process.stop()).toBe(0);
  await looks(second, 1);
  expect(await holder()).toBe('');
  expect(await calls(second)).toBe(false);
  await serve(accounts, (spec) => {
    spec['later'] = { type: 'string' };
  });
  await ready(second);
  await eventually(async () => ((await holder()) === 'second' ? true : undefined), { withinMs: 30_000 });
  expect(await second.process.stop()).toBe(0);
  await serve(accounts);
});

test('a CRD is taken back while the operator works: it ends before it acts on what it cannot see any more', async () => {
  first = await start('first');
  await ready(first);
  await eventually(async () => ((await holder()) === 'first' ? true : undefined), { withinMs: 30_000 });
  await settled(world, 'jo');
  // The status of the connection tells of each reading.
  const others = kinds.filter((kind) => kind !== 'awsconnection');
  const before = await versions(others);
  const writes = (await operatorWrites(world)).length;
  const began = Date.now();
  await serve(accounts, (spec, status) => {
    delete spec['enabled'];
    delete status['userId'];
  });
  expect(await first.process.exited).toBe(1);
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(first.process.lines.some((line) => line.includes('lacks spec.enabled, status.userId;'))).toBe(true);
  // To whom reads it now, jo is declared as one who may get in.
  expect((await world.account('jo')).spec).not.toHaveProperty('enabled');
  expect(Object.keys((await user(world, 'jo')).inlinePolicies)).toEqual(['IDHubDisabled']);
  expect(await versions(others)).toEqual(before);
  expect(await operatorWrites(world)).toHaveLength(writes);
});

test('the operator on CRDs of the version before: not ready, with the message, and nothing is lost', async () => {
  await world.kubectl(['delete', 'crd', 'awsreconciliations.aws.idhub.io']);
  const there = kinds.filter((kind) => kind !== 'awsreconciliation');
  const before = await versions(there);
  const { writes, reads } = await world.simulator.calls();
  const one = await start('one');
  const text = await waits(
    one,
    `CRD out of date: awsreconciliations.aws.idhub.io is not served in v1alpha1; ${accounts} lacks spec.enabled, status.userId; apply`,
  );
  await looks(one, 1);
  expect(await gauges(one)).toEqual({
    awsaccounts: 1,
    awsconnections: 0,
    awsentitlementbindings: 0,
    awsreconciliations: 1,
  });
  expect((await fetch(`${one.url}/healthz`)).status).toBe(200);
  const port = await fetch(`${await portUrl(one.process)}/scim/v2/Accounts`, {
    headers: { authorization: `Basic ${btoa('idhub:password-of-idhub')}` },
  });
  expect(port.status).toBe(503);
  expect(await port.text()).toContain('The connector waits for its CRDs to be upgraded.');
  expect(await calls(one)).toBe(false);
  expect(await world.simulator.calls()).toMatchObject({ writes, reads });
  expect(await holder()).toBe('');
  expect(await versions(there)).toEqual(before);
  expect(one.process.lines.filter((line) => line.includes('CRD out of date'))).toHaveLength(1);

  await upgrade(text);
  await ready(one);
  expect(Object.values(await gauges(one))).toEqual([0, 0, 0, 0]);
  await eventually(async () => ((await holder()) === 'one' ? true : undefined), { withinMs: 30_000 });
  await settled(world, 'jo');
  // What was declared, and what was known, is there as it was.
  const jo = await world.account('jo');
  expect(jo.spec.enabled).toBe(false);
  expect(jo.status?.userId).toBe((await user(world, 'jo')).userId);
  expect(Object.keys((await user(world, 'jo')).inlinePolicies)).toEqual(['IDHubDisabled']);
  await patch(world, 'jo', { spec: { enabled: true } });
  await eventually(async () =>
    Object.keys((await user(world, 'jo')).inlinePolicies).length === 0 ? true : undefined,
  );
  await world.until('awsaccount', 'jo', { status: 'True' });
  expect((await world.account('jo')).status?.state).toBe('Enabled');
  expect(await one.process.stop()).toBe(0);
});

test('a kind that is gone while the operator works: said, not ready, and the others are worked on', async () => {
  const one = await start('one');
  await ready(one);
  await world.kubectl(['delete', 'crd', 'awsreconciliations.aws.idhub.io']);
  await eventually(
    async () =>
      (await probe(one)).text.includes('awsreconciliations.aws.idhub.io is not served') ? true : undefined,
    { withinMs: 30_000, everyMs: 200, what: 'the missing kind to be told' },
  );
  await patch(world, 'jo', { spec: { tags: { alone: 'yes' } } });
  await eventually(async () => ((await user(world, 'jo')).tags['alone'] === 'yes' ? true : undefined));
  await serve('awsreconciliations.aws.idhub.io');
  await ready(one);
  await world.apply(world.runManifest('again'));
  await world.until('awsreconciliation', 'again', { type: 'Complete', status: 'True', withinMs: 60_000 });
  expect(await one.process.stop()).toBe(0);
});
