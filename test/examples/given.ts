import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachUserPolicyCommand,
  CreateGroupCommand,
  CreateUserCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { parseAllDocuments } from 'yaml';
import type { AwsAccount, AwsEntitlementBinding } from '../../operator/api/v1alpha1/index.ts';
import type { World } from '../e2e/world.ts';

const directory = join(import.meta.dirname, '../../examples');

export interface ExampleManifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Record<string, unknown>;
  readonly stringData?: Record<string, string>;
}

/** All objects of `examples/`, in the order of the files. */
export async function exampleManifests(): Promise<ExampleManifest[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
  const found: ExampleManifest[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(directory, file), 'utf8'))) {
      const manifest = document.toJS() as ExampleManifest | null;
      if (manifest !== null) {
        found.push(manifest);
      }
    }
  }
  return found;
}

export function accountsOf(manifests: readonly ExampleManifest[]): AwsAccount[] {
  return manifests.filter(({ kind }) => kind === 'AwsAccount') as unknown as AwsAccount[];
}

export function bindingsOf(manifests: readonly ExampleManifest[]): AwsEntitlementBinding[] {
  return manifests.filter(
    ({ kind }) => kind === 'AwsEntitlementBinding',
  ) as unknown as AwsEntitlementBinding[];
}

/** The examples as they stand, but for the credentials and the address of the simulated AWS. */
export function forSimulator(manifest: ExampleManifest, world: World): ExampleManifest {
  if (manifest.kind === 'Secret') {
    return { ...manifest, stringData: { ...world.credentials } };
  }
  if (manifest.kind === 'AwsConnection') {
    const address = world.simulatorUrl;
    return {
      ...manifest,
      spec: { ...manifest.spec, endpoints: { iam: address, sts: address, cloudtrail: address } },
    };
  }
  return manifest;
}

/**
 * Makes in AWS what the examples find there: users that are observed, taken over or only named, groups,
 * and the edges that must not be.
 * @returns the names of the users and of the groups
 */
export async function givenInAws(
  iam: IAMClient,
  manifests: readonly ExampleManifest[],
): Promise<{ readonly users: readonly string[]; readonly groups: readonly string[] }> {
  const accounts = accountsOf(manifests);
  const bindings = bindingsOf(manifests);
  const before = accounts.filter(
    ({ spec }) => spec.management === 'Observe' || (spec.adoptionPolicy ?? 'Never') !== 'Never',
  );
  const users = new Set([
    ...before.map(({ spec }) => spec.userName),
    ...bindings.flatMap(({ spec }) => spec.userName ?? []),
  ]);
  for (const UserName of users) {
    await iam.send(new CreateUserCommand({ UserName }));
  }
  const entitlements = [
    ...bindings.map(({ spec }) => spec.entitlement),
    ...accounts.flatMap(({ spec }) => spec.entitlements ?? []),
  ];
  const groups = new Set(entitlements.flatMap(({ type, name }) => (type === 'Group' ? (name ?? []) : [])));
  for (const GroupName of groups) {
    await iam.send(new CreateGroupCommand({ GroupName }));
  }
  for (const { spec } of bindings.filter((binding) => binding.spec.state === 'Absent')) {
    const UserName = before.find(({ metadata }) => metadata.name === spec.accountRef?.name)?.spec.userName;
    const PolicyArn = `arn:aws:iam::aws:policy/${spec.entitlement.name ?? ''}`;
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }));
  }
  return { users: [...users], groups: [...groups] };
}
