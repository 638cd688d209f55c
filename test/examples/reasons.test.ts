import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { accountStatus } from '../../operator/controllers/account/status.ts';
import { bindingStatus } from '../../operator/controllers/binding/status.ts';
import { connectionStatus } from '../../operator/controllers/connection/status.ts';
import { reconciliationStatus } from '../../operator/controllers/reconciliation/status.ts';
import { account, connection, working } from '../operator/controllers/material.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const now = Date.UTC(2026, 0, 15, 12);

/** The folder of the controller that writes each kind's conditions. */
const controllers: Readonly<Record<string, string>> = {
  AwsConnection: 'connection',
  AwsAccount: 'account',
  AwsEntitlementBinding: 'binding',
  AwsReconciliation: 'reconciliation',
};
const kinds = Object.keys(controllers);

/** The members of the union type that a kind's reasons are. */
async function reasonsOf(kind: string): Promise<string[]> {
  const source = await read(`operator/controllers/${controllers[kind]}/conditions.ts`);
  const union = /export type \w+Reason =([\s\S]*?);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'(\w+)'/g)].map(([, reason = '']) => reason).sort();
}

const statuses: ReadonlySet<string> = new Set(['True', 'False', 'Unknown']);

interface Entry {
  readonly reason: string;
  readonly text: string;
  /** What the text begins with: the conditions that it is about; none where any may be meant. */
  readonly conditions: readonly string[];
}

async function entriesOf(kind: string): Promise<Entry[]> {
  const page = await read('docs/reasons.md');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${kind}\n`)) ?? '';
  return section
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [reason = '', ...lines] = part.trim().split('\n');
      const text = lines.join('\n');
      const head = /^`\w+`(?:, `\w+`)*(?=\.)/.exec(text)?.[0] ?? '';
      const conditions = [...head.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
      return { reason, text, conditions: conditions.filter((name) => !statuses.has(name)) };
    });
}

/** The conditions of each kind, as the table at the head of the page has them. */
async function documented(): Promise<Record<string, string[]>> {
  const page = await read('docs/reasons.md');
  const found: Record<string, string[]> = {};
  let kind = '';
  for (const [, name = '', condition = ''] of page.matchAll(/^\| (\w*) ?\| `(\w+)` \|/gm)) {
    kind = name === '' ? kind : name;
    (found[kind] ??= []).push(condition);
  }
  return found;
}

/** The conditions of each kind, all that it can have at once, as its status is written. */
async function written(): Promise<Record<string, readonly { readonly type: string }[]>> {
  const verdict = { reason: 'Paused', message: 'm', status: 'Unknown' } as const;
  const connected = connectionStatus({
    connection: connection({ spec: { discovery: { mode: 'Observe' } } }),
    state: {
      ...(await working()),
      discovery: { kind: 'found', accounts: 1, more: 0, unknown: 0, taken: [] },
      comparison: { kind: 'failed', reading: undefined, why: 'w' },
    },
    accounts: 0,
    needed: { accounts: 0, bindings: 0 },
    schedule: { status: 'True', verdict: { reason: 'Scheduled', message: 'm' }, runs: {} },
    push: { status: 'True', verdict: { reason: 'Delivered', message: 'm' } },
    now,
  });
  const findings = {
    ready: verdict,
    synced: verdict,
    user: undefined,
    connection: undefined,
    inherited: [],
    audited: false,
    mended: [],
    parts: undefined,
  };
  const bound = bindingStatus(
    {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: { name: 'b', namespace: 'ns' },
      spec: { accountRef: { name: 'jo' }, entitlement: { type: 'Group', name: 'g' } },
    },
    { ready: verdict, seen: undefined, memory: undefined, mended: undefined },
    now,
  );
  const run = reconciliationStatus({
    run: {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { name: 'r', namespace: 'ns' },
      spec: { connectionRef: { name: 'main' } },
    },
    standing: { kind: 'waits', status: 'Unknown', verdict },
    timeZone: 'UTC',
    now,
  });
  return {
    AwsConnection: connected.conditions ?? [],
    AwsAccount: accountStatus(account(), findings, now).conditions ?? [],
    AwsEntitlementBinding: bound.conditions ?? [],
    AwsReconciliation: run.conditions ?? [],
  };
}

async function sources(): Promise<Map<string, string>> {
  const files = ['operator', 'src'].map(async (folder) => {
    const names = await readdir(join(root, folder), { recursive: true });
    return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  });
  const paths = (await Promise.all(files)).flat();
  return new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)));
}

describe('docs/reasons.md', () => {
  test('has a section for each kind that there is', async () => {
    const files = (await readdir(join(root, 'crds'))).filter((name) => name.endsWith('.yaml'));
    const served = await Promise.all(
      files.map(
        async (file) =>
          (parse(await read(`crds/${file}`)) as { spec: { names: { kind: string } } }).spec.names.kind,
      ),
    );
    const page = await read('docs/reasons.md');
    expect(served.sort()).toEqual([...kinds].sort());
    expect([...page.matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading)).toEqual(kinds);
    const folders = await readdir(join(root, 'operator/controllers'));
    const typed = folders.filter((name) =>
      existsSync(join(root, 'operator/controllers', name, 'conditions.ts')),
    );
    expect(typed.sort()).toEqual(Object.values(controllers).sort());
  });

  test.each(kinds)('has an entry for every reason of %s, and no other', async (kind) => {
    const reasons = await reasonsOf(kind);
    const entries = await entriesOf(kind);
    expect(reasons.length).toBeGreaterThan(10);
    expect(entries.map(({ reason }) => reason).sort()).toEqual(reasons);
    expect(entries.filter(({ text }) => text.trim() === '').map(({ reason }) => reason)).toEqual([]);
  });

  test('names the conditions of each kind, and no other', async () => {
    const all = Object.entries(await written()).map(([kind, conditions]) => [
      kind,
      conditions.map(({ type }) => type).sort(),
    ]);
    const told = Object.entries(await documented()).map(([kind, types]) => [kind, [...types].sort()]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(all));
  });

  test.each(kinds)('entries of %s are about conditions that it has', async (kind) => {
    const types = (await documented())[kind] ?? [];
    const entries = await entriesOf(kind);
    const strange = entries.flatMap(({ reason, conditions }) =>
      conditions.filter((name) => !types.includes(name)).map((name) => `${reason}: ${name}`),
    );
    expect(strange).toEqual([]);
    // One that no entry is about would be a condition without reasons.
    const about = new Set(entries.flatMap(({ conditions }) => conditions));
    expect(types.filter((type) => !['Ready', 'Synced'].includes(type) && !about.has(type))).toEqual([]);
  });
});

describe('reasons', () => {
  test('come from the closed sets: a condition is set where its verdict has that type, and nowhere else', async () => {
    const setters = [...(await sources())]
      .filter(([path, text]) => !path.startsWith('operator/runtime/') && /\bsetCondition\(/.test(text))
      .map(([path]) => path);
    expect(setters.sort()).toEqual(
      Object.values(controllers)
        .map((folder) => `operator/controllers/${folder}/status.ts`)
        .sort(),
    );
  });

  test.each(kinds)('of %s are all given somewhere', async (kind) => {
    const texts = [...(await sources())].filter(([path]) => !path.endsWith('/conditions.ts'));
    const dead = (await reasonsOf(kind)).filter(
      (reason) => !texts.some(([, text]) => text.includes(`'${reason}'`)),
    );
    expect(dead).toEqual([]);
  });
});
