import { readdir, readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { parseInvocation } from '../../operator/config.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

async function markdownFiles(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'), { recursive: true })).filter((file) =>
    file.endsWith('.md'),
  );
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.map((file) => join('docs', file))];
}

/** The anchor that a heading gets in rendered Markdown. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

async function brokenLinks(file: string): Promise<string[]> {
  const text = (await read(file)).replaceAll(/^```[\s\S]*?^```$/gm, '');
  const broken: string[] = [];
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) {
      continue;
    }
    const [path = '', anchor] = target.split('#');
    const aim = path === '' ? join(root, file) : join(root, dirname(file), path);
    if (!existsSync(aim)) {
      broken.push(`${file}: ${target}`);
    } else if (anchor !== undefined && statSync(aim).isFile()) {
      const headings = [...(await readFile(aim, 'utf8')).matchAll(/^#+ (.+)$/gm)];
      if (!headings.some(([, heading = '']) => anchorOf(heading) === anchor)) {
        broken.push(`${file}: ${target} (no such heading)`);
      }
    }
  }
  return broken;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Paths of all fields below `spec`, as the documentation writes them. */
function fieldsOf(schema: Schema, path: string): string[] {
  const found: string[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    found.push(`${path}.${name}`, ...fieldsOf(property, `${path}.${name}`));
  }
  return schema.items === undefined ? found : found.concat(fieldsOf(schema.items, `${path}[]`));
}

async function specFields(crd: string): Promise<string[]> {
  const { spec } = parse(await read(`crds/${crd}`)) as {
    spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
  };
  const schema = spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'];
  return fieldsOf(schema ?? {}, 'spec');
}

describe('documentation', () => {
  test('every relative link leads somewhere', async () => {
    const files = await markdownFiles();
    expect(files.length).toBeGreaterThan(10);
    expect((await Promise.all(files.map(brokenLinks))).flat()).toEqual([]);
  });

  test('every page can be found from the table in the README', async () => {
    const [, table = ''] = (await read('README.md')).split('## Where to go next');
    const pages = (await markdownFiles()).filter(
      (file) => !file.startsWith('docs/adr/') && file !== 'README.md',
    );
    expect(pages.filter((page) => !table.includes(`](${page})`))).toEqual([]);
  });

  test('every flag is in operations.md, and no other', async () => {
    const invocation = parseInvocation(['--help'], {}, { hostname: 'host', pid: 1, version: '0' });
    const help = invocation.kind === 'print' ? invocation.text : '';
    const flags = [...help.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name = '']) => name);
    const page = await read('docs/operations.md');
    expect(flags.length).toBeGreaterThan(10);
    expect(flags.filter((flag) => !new RegExp(`\`--${flag}(?:\`| )`).test(page))).toEqual([]);
    const documented = [...page.matchAll(/^\| `--([a-z-]+)/gm)].map(([, name = '']) => name);
    expect(documented.filter((flag) => !flags.includes(flag))).toEqual([]);
  });

  test.each([
    ['aws.idhub.io_awsconnections.yaml', 'docs/kinds/awsconnection.md'],
    ['aws.idhub.io_awsaccounts.yaml', 'docs/kinds/awsaccount.md'],
    ['aws.idhub.io_awsentitlementbindings.yaml', 'docs/kinds/awsentitlementbinding.md'],
    ['aws.idhub.io_awsreconciliations.yaml', 'docs/kinds/awsreconciliation.md'],
  ])('every field of %s is in %s, and no other', async (crd, path) => {
    const fields = await specFields(crd);
    const page = await read(path);
    expect(fields.length).toBeGreaterThan(8);
    expect(fields.filter((field) => !page.includes(`| \`${field}\` |`))).toEqual([]);
    const documented = [...page.matchAll(/^\| `(spec\.[^`]+)` \|/gm)].map(([, field = '']) => field);
    expect(documented.filter((field) => !fields.includes(field))).toEqual([]);
  });

  test('every annotation that the operator knows is described', async () => {
    const names = [
      ...(await read('operator/controllers/names.ts')).matchAll(/'(aws\.idhub\.io\/[a-z-]+)'/g),
    ].map(([, name = '']) => name);
    const pages = await Promise.all(
      [
        'kinds/awsconnection',
        'kinds/awsaccount',
        'kinds/awsentitlementbinding',
        'kinds/awsreconciliation',
        'operations',
      ].map((page) => read(`docs/${page}.md`)),
    );
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !pages.join('').includes(name))).toEqual([]);
  });

  test('decision records are numbered without gaps and have the same parts', async () => {
    const files = (await readdir(join(root, 'docs/adr'))).sort();
    for (const [index, file] of files.entries()) {
      const number = index + 1;
      const text = await read(join('docs/adr', file));
      expect(file).toMatch(new RegExp(`^${String(number).padStart(4, '0')}-[a-z0-9-]+\\.md$`));
      expect(text).toMatch(new RegExp(`^# ${number}\\. `));
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual([
        'Context',
        'Decision',
        'Consequences',
      ]);
    }
  });

  test('the licence is in the tree', async () => {
    expect(await read('LICENSE')).toContain('Apache License');
  });
});
