import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { sharedControlPlane, type ControlPlane } from '../cluster/index.ts';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '../..');
const namespace = 'documented-manifests';

/** Blocks that are no whole manifest, by page and first lines, and why. */
const fragments: Readonly<Record<string, readonly { readonly begins: string; readonly why: string }[]>> = {
  'docs/reconciliation.md': [
    { begins: 'spec:\n  guard:\n', why: 'two settings that are added to a connection' },
  ],
  'docs/kinds/awsconnection.md': [
    { begins: 'spec:\n  settings:\n', why: 'a schedule that is added to a connection' },
  ],
};

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

const blocksOf = (text: string): readonly string[] =>
  [...text.matchAll(/^( *)```ya?ml\n([^]*?)^ *```$/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );

const written = (await readdir(join(root, 'docs'), { recursive: true })).filter((file) =>
  file.endsWith('.md'),
);
const pages = await Promise.all(
  ['README.md', ...written.map((file) => `docs/${file}`)].map(async (page) => {
    const blocks = blocksOf(await readFile(join(root, page), 'utf8'));
    const parts = fragments[page] ?? [];
    const whole = blocks.filter((block) => !parts.some(({ begins }) => block.startsWith(begins)));
    const manifests = whole.flatMap((block) =>
      parseAllDocuments(block).map((document): Manifest => {
        if (document.errors[0] !== undefined) {
          throw new Error(`${page}: ${document.errors[0].message}`);
        }
        return document.toJS() as Manifest;
      }),
    );
    return { page, blocks, manifests };
  }),
);

let plane: ControlPlane;
beforeAll(async () => {
  plane = sharedControlPlane();
  await plane.installCrds();
  await plane.createNamespace(namespace);
});

test('pages with manifests are found', () => {
  expect(pages.filter(({ manifests }) => manifests.length > 0).length).toBeGreaterThan(6);
});

test('what is said to be a fragment is one, and is there once', () => {
  for (const [page, parts] of Object.entries(fragments)) {
    const blocks = pages.find((each) => each.page === page)?.blocks ?? [];
    for (const { begins } of parts) {
      const found = blocks.filter((block) => block.startsWith(begins));
      expect([page, begins, found.length]).toEqual([page, begins, 1]);
      expect(parse(found[0] ?? '')).not.toHaveProperty('kind');
    }
  }
});

test.each(pages.filter(({ manifests }) => manifests.length > 0))(
  '$page: every manifest is taken by the API server, strictly',
  async ({ manifests }) => {
    const stdin = manifests
      .map((manifest) => {
        const { name, namespace: own } = manifest.metadata;
        const metadata = own === undefined ? manifest.metadata : { ...manifest.metadata, name, namespace };
        return stringify({ ...manifest, metadata });
      })
      .join('---\n');
    const args = ['apply', '--dry-run=server', '--validate=strict', '-n', namespace, '-o', 'name', '-f', '-'];
    const { code, stdout, stderr } = await plane.kubectl(args, { stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(manifests.length);
  },
);

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
}

/** Paths of all fields of a schema. */
function fieldsOf(schema: Schema, path: string): readonly string[] {
  const below = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    `${path}.${name}`,
    fieldsOf(property, `${path}.${name}`),
  ]);
  return [below.flat(2), schema.items === undefined ? [] : fieldsOf(schema.items, path)].flat();
}

/** Paths of what a manifest has. */
function given(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap((each) => given(each, path));
  }
  const entries = value === null || typeof value !== 'object' ? [] : Object.entries(value);
  return entries.map(([name, each]) => [`${path}.${name}`, given(each, `${path}.${name}`)]).flat(2);
}

describe('the page of each kind', () => {
  test.each(['AwsConnection', 'AwsAccount', 'AwsEntitlementBinding', 'AwsReconciliation'])(
    '%s: the first example is the least there is, and together they have every field',
    async (kind) => {
      const name = kind.toLowerCase();
      const crd = parse(await readFile(join(root, `crds/aws.idhub.io_${name}s.yaml`), 'utf8')) as {
        spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
      };
      const schema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};
      const examples = (pages.find(({ page }) => page === `docs/kinds/${name}.md`)?.manifests ?? []).filter(
        (manifest) => manifest.kind === kind,
      );
      expect(examples.length).toBeGreaterThan(1);
      const fields = new Set(examples.flatMap(({ spec }) => given(spec, 'spec')));
      expect(fieldsOf(schema, 'spec').filter((field) => !fields.has(field))).toEqual([]);

      const least = examples[0];
      for (const field of Object.keys(least?.spec ?? {})) {
        const spec = Object.fromEntries(Object.entries(least?.spec ?? {}).filter(([each]) => each !== field));
        const stdin = stringify({ ...least, spec });
        const args = ['apply', '--dry-run=server', '-n', namespace, '-f', '-'];
        expect([field, (await plane.kubectl(args, { stdin })).code]).toEqual([field, 1]);
      }
    },
  );
});
