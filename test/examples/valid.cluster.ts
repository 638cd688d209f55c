import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { sharedControlPlane, type ControlPlane } from '../cluster/index.ts';
import { startWorld, type World } from '../e2e/world.ts';
import {
  accountsOf,
  bindingsOf,
  exampleManifests,
  forSimulator,
  givenInAws,
  type ExampleManifest,
} from './given.ts';

jest.setTimeout(120_000);

const namespace = 'examples';
const manifests = (await exampleManifests())
  .filter(({ kind }) => kind !== 'Namespace')
  .map((manifest): ExampleManifest =>
    Object.assign(manifest, { metadata: { ...manifest.metadata, namespace } }),
  );
let plane: ControlPlane;
let world: World;

beforeAll(async () => {
  plane = sharedControlPlane();
  await plane.installCrds();
  world = await startWorld({ plane, namespace, start: false, operator: ['--snapshot-interval=2s'] });
  await givenInAws(world.iam, manifests);
  await world.startOperator();
});

afterAll(async () => {
  await world?.stop();
});

test('every example is taken, strictly', async () => {
  for (const manifest of manifests) {
    const stdin = JSON.stringify(forSimulator(manifest, world));
    expect(await plane.kubectl(['apply', '--validate=strict', '-f', '-'], { stdin })).toMatchObject({
      code: 0,
    });
  }
});

test('every account and every binding of the examples becomes Ready', async () => {
  const accounts = accountsOf(manifests);
  const bindings = bindingsOf(manifests);
  expect(accounts.length).toBeGreaterThan(5);
  expect(bindings.length).toBeGreaterThan(3);
  for (const { metadata } of accounts) {
    await world.until('awsaccount', metadata.name, { status: 'True' });
  }
  for (const { metadata } of bindings) {
    await world.until('awsentitlementbinding', metadata.name, { status: 'True' });
  }
});

test('every run of the examples gets to its end', async () => {
  const runs = manifests.filter(({ kind }) => kind === 'AwsReconciliation');
  expect(runs.length).toBeGreaterThan(2);
  for (const { metadata } of runs) {
    await world.until('awsreconciliation', metadata.name, { type: 'Complete', status: 'True' });
  }
});

test('the joiner has what its one object says', async () => {
  const noor = await world.simulator.user('noor.haddad');
  expect([...(noor?.groups ?? [])].sort()).toEqual(['Developers', 'OnCall']);
  // The right to choose another password comes with one that has to be changed.
  expect([...(noor?.attachedPolicies ?? [])].sort()).toEqual([
    'arn:aws:iam::aws:policy/IAMUserChangePassword',
    'arn:aws:iam::aws:policy/ReadOnlyAccess',
  ]);
  expect(noor).toMatchObject({ hasLoginProfile: true, passwordResetRequired: true });
  expect(noor?.accessKeys.map(({ status }) => status)).toEqual(['Active']);
});

test('the bindings have given and taken what they say', async () => {
  expect((await world.simulator.user('Lena.Brandt@example.com'))?.groups).toEqual(['OnCall']);
  expect((await world.simulator.user('tomasz.nowak'))?.inlinePolicies).toHaveProperty('Reports');
  expect((await world.simulator.user('ci-artifacts'))?.attachedPolicies).toEqual([]);
  expect((await world.simulator.user('vendor-sync'))?.groups).toEqual(['Vendors']);
});
