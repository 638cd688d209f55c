import { documentFingerprint } from '../../../../src/entitlement/index.ts';
import type { UserRecord } from '../../../../src/reconciliation/index.ts';
import type { FieldGroup } from '../../../../src/reconciliation/record.ts';
import type { AccountDump, UserDump } from '../../../simulator/index.ts';

/** What is told of a user in parts that change one by one, each with the field group that it belongs to. */
export type Atoms = ReadonlyMap<string, { readonly group: FieldGroup; readonly value: string }>;

/** Attributes that the changes touch. */
const attributes = ['city', 'department'];
const denyName = 'IDHubDisabled';
const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';
const sorted = (flags: readonly boolean[]): string =>
  flags
    .map(Number)
    .sort((a, b) => a - b)
    .join('');

class Collector {
  readonly atoms = new Map<string, { group: FieldGroup; value: string }>();

  add(group: FieldGroup, name: string, value: string): void {
    this.atoms.set(`${group}: ${name}`, { group, value });
  }
}

/** How a user is, by the state of the simulator. */
export function atomsOfUser(user: UserDump, account: AccountDump): Atoms {
  const found = new Collector();
  found.add('name', 'name', user.userName);
  found.add('path', 'path', user.path);
  for (const name of attributes) {
    const value = user.tags[name];
    if (value !== undefined) {
      found.add('attributes', name, value);
    }
  }
  found.add('boundary', 'boundary', user.permissionsBoundary ?? 'none');
  const denied = user.inlinePolicies[denyName] !== undefined || user.attachedPolicies.includes(denyAll);
  found.add('state', 'active', String(!denied));
  for (const name of user.groups) {
    const group = account.groups.find(({ groupName }) => groupName === name);
    found.add('entitlements', group?.arn ?? name, 'had');
    for (const arn of group?.attachedPolicies ?? []) {
      found.add('entitlements', `${arn} through ${name}`, 'had');
    }
    for (const policy of Object.keys(group?.inlinePolicies ?? {})) {
      found.add('entitlements', `${policy} inline through ${name}`, 'had');
    }
  }
  for (const arn of user.attachedPolicies.filter((one) => one !== denyAll)) {
    found.add('entitlements', arn, 'had');
  }
  for (const [name, document] of Object.entries(user.inlinePolicies)) {
    if (name !== denyName) {
      found.add('entitlements', `${name} inline`, documentFingerprint(document));
    }
  }
  found.add('credentials', 'console', String(user.hasLoginProfile));
  found.add('credentials', 'mfa', String(user.mfaDevices.length > 0));
  found.add('credentials', 'keys', sorted(user.accessKeys.map(({ status }) => status === 'Active')));
  return found.atoms;
}

/** How a user is, by what was reported of it, and the field groups that are not in there. */
export function atomsOfRecord(record: UserRecord): { atoms: Atoms; unknown: ReadonlySet<FieldGroup> } {
  const found = new Collector();
  const unknown = new Set<FieldGroup>(['activity']);
  found.add('name', 'name', record.userName);
  found.add('path', 'path', record.path);
  for (const name of attributes) {
    const value = record.attributes[name];
    if (value !== undefined) {
      found.add('attributes', name, value);
    }
  }
  found.add('boundary', 'boundary', record.boundary ?? 'none');
  if (record.active === undefined) {
    unknown.add('state');
  } else {
    found.add('state', 'active', String(record.active));
  }
  if (record.entitlements === undefined) {
    unknown.add('entitlements');
  }
  for (const { type, name, arn, inheritedFrom, fingerprint } of record.entitlements ?? []) {
    const named = type === 'InlinePolicy' ? `${name} inline` : arn;
    const through = inheritedFrom === undefined ? '' : ` through ${inheritedFrom}`;
    found.add('entitlements', `${named}${through}`, fingerprint ?? 'had');
  }
  if (record.credentials === undefined) {
    unknown.add('credentials');
  } else {
    const { console, mfa, keys } = record.credentials;
    found.add('credentials', 'console', String(console));
    found.add('credentials', 'mfa', String(mfa));
    found.add('credentials', 'keys', sorted(keys.map(({ active }) => active)));
  }
  return { atoms: found.atoms, unknown };
}
