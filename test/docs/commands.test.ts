import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { commandsOf, filledIn, misfits } from './commands.ts';
import { pages } from './pages.ts';

const root = join(import.meta.dirname, '../..');

/** All pages for those who use or change the product. */
async function everyPage(): Promise<readonly string[]> {
  const docs = await readdir(join(root, 'docs'), { recursive: true });
  const written = docs.filter((file) => file.endsWith('.md') && !file.startsWith('adr/'));
  const charts = (await readdir(join(root, 'charts'))).map((chart) => `charts/${chart}/README.md`);
  return ['README.md', 'CONTRIBUTING.md', ...charts, ...written.map((file) => `docs/${file}`)];
}

test('every command of every page is run, or is known to be run elsewhere', async () => {
  const all = await everyPage();
  expect(all.length).toBeGreaterThan(20);
  const commands = await Promise.all(
    all.map(async (page) => commandsOf(page, await readFile(join(root, page), 'utf8'))),
  );
  expect(misfits(pages, commands.flat())).toEqual([]);
});

test('what is run elsewhere is there', () => {
  const tests = pages.flatMap(({ runs }) => runs.flatMap(({ elsewhere }) => elsewhere?.test ?? []));
  expect(tests.length).toBeGreaterThan(5);
  expect(tests.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('what pages start with npm is in package.json', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const texts = await Promise.all((await everyPage()).map((file) => readFile(join(root, file), 'utf8')));
  const names = new Set(
    texts.flatMap((text) => [...text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name)),
  );
  expect(names.size).toBeGreaterThan(10);
  expect([...names].filter((name) => !(name in scripts))).toEqual([]);
});

test('a block of commands says that it is one, so that none is passed over', async () => {
  for (const file of await everyPage()) {
    const text = await readFile(join(root, file), 'utf8');
    const others = [...text.matchAll(/^ *```(\w*)[^\n]*\n([^]*?)^ *```$/gm)].filter(
      ([, language = '']) => !['sh', 'bash', 'shell', 'console'].includes(language),
    );
    const typed = others.flatMap(([, , block = '']) =>
      block.split('\n').filter((line) => /^ *(?:\$ )?(?:npm|npx|node|kubectl|helm|docker|curl) /.test(line)),
    );
    expect({ file, typed }).toEqual({ file, typed: [] });
  }
});

const page = [
  'Type `kubectl get pods`, not `kubectl get`:',
  '',
  '   ```sh',
  '   one \\',
  '     two',
  '   ```',
  '```yaml',
  'kubectl: `kubectl get nothing`',
  '```',
  '```console',
  '$ three',
  'SEEN   AGE',
  '```',
  'then `helm list -A`.',
].join('\n');

test('commands are found in their order', () => {
  expect(commandsOf('x.md', page)).toEqual([
    { page: 'x.md', script: 'kubectl get pods\n' },
    { page: 'x.md', script: 'one \\\n  two\n' },
    { page: 'x.md', script: 'three\n', shown: 'SEEN   AGE\n' },
    { page: 'x.md', script: 'helm list -A\n' },
  ]);
});

describe('a table that does not fit is told', () => {
  const commands = commandsOf('x.md', page);
  const runs = ['kubectl get pods', 'one', 'three', 'helm'].map((begins) => ({ begins }));
  test.each<[string, Parameters<typeof misfits>[0], RegExp[]]>([
    ['it fits', [{ page: 'x.md', runs }], []],
    ['a command more', [{ page: 'x.md', runs: runs.slice(0, 3) }], [/"helm list -A" is not in the table/]],
    [
      'one less',
      [{ page: 'x.md', runs: [...runs, { begins: 'five' }] }],
      [/command 5 is "", and the table has "five"/],
    ],
    ['another order', [{ page: 'x.md', runs: runs.toReversed() }], [/1 is/, /2 is/, /3 is/, /4 is/]],
    ['a page more', [], [/x.md has commands and is not in the table/]],
    [
      'nothing to fill in',
      [{ page: 'x.md', runs: runs.with(0, { begins: 'kubectl', replace: { NAME: 'x' } } as never) }],
      [/has no NAME/],
    ],
  ])('%s', (_, table, expected) => {
    const said = misfits(table, commands);
    expect(said).toHaveLength(expected.length);
    expected.forEach((each, index) => expect(said[index]).toMatch(each));
  });
});

test.each<[string, Record<string, string>, string | RegExp]>([
  ['get NAME -n NAMESPACE', { 'NAME ': 'a ', NAMESPACE: 'b' }, 'get a -n b'],
  ['get NAME', {}, /NAME is still to be filled in/],
  ['--from-literal=accessKeyId=ACCESS_KEY_ID', {}, /ACCESS_KEY_ID is still/],
  ['-o custom-columns=NAME:.metadata.name', {}, '-o custom-columns=NAME:.metadata.name'],
  ['"$NAMESPACE"', {}, '"$NAMESPACE"'],
])('filled in: %s', (script, replace, expected) => {
  if (typeof expected === 'string') {
    expect(filledIn(script, replace)).toBe(expected);
  } else {
    expect(() => filledIn(script, replace)).toThrow(expected);
  }
});
