import { describe, expect, test } from '@jest/globals';
import { importsOf, treeOf } from './imports.ts';
import { rules } from './rules.ts';
import { trackedFiles } from './tracked.ts';

const tracked = trackedFiles((path) => /^(src|operator)\/.*\.ts$/.test(path));

describe('the import rules hold', () => {
  const tree = treeOf(tracked);

  test.each(rules)('$name', ({ check }) => {
    expect(check(tree)).toEqual([]);
  });

  test('there is something to hold them on', () => {
    const files = [...tracked.keys()];
    expect(files.filter((path) => path.startsWith('src/')).length).toBeGreaterThan(20);
    expect(files.filter((path) => path.startsWith('operator/')).length).toBeGreaterThan(20);
  });
});

/** Files that break one rule, or come close to it and do not. */
interface Example {
  readonly rule: string;
  readonly files: Readonly<Record<string, string>>;
  readonly breaks: number;
}

const face = { 'src/aws/index.ts': '', 'src/aws/api.ts': '', 'operator/runtime/index.ts': '' };

const examples: readonly Example[] = [
  {
    rule: 'src never imports operator',
    files: { 'src/account/a.ts': "import { x } from '../../operator/config.ts';" },
    breaks: 1,
  },
  {
    rule: 'src never imports operator',
    files: { 'src/account/a.ts': "import type { X } from '../../operator/config.ts';" },
    breaks: 1,
  },
  {
    rule: 'src never imports operator',
    files: { 'operator/a.ts': "import '../src/ports.ts';", 'src/ports.ts': "import './operator/x.ts';" },
    breaks: 0,
  },
  {
    rule: 'src imports nothing outside of src',
    files: { 'src/a/b.ts': "export * from '../../scripts/x.ts';", 'src/a/c.ts': "import '../ports.ts';" },
    breaks: 1,
  },
  {
    rule: 'operator/runtime imports nothing of this repository but itself',
    files: {
      'operator/runtime/a.ts': "import '../controllers/names.ts';",
      'operator/runtime/b.ts': "import type { X } from '../../src/ports.ts';",
      'operator/runtime/c.ts': "const { x } = await import('../config.ts');",
      'operator/runtime/d.ts': "import './a.ts'; import 'node:fs'; import 'prom-client';",
    },
    breaks: 3,
  },
  {
    rule: 'nothing under src or operator imports from test',
    files: {
      'src/a.ts': "export { x } from '../test/support/process.ts';",
      'operator/a.ts': "let x: import('../test/simulator/index.ts').X;",
      'test/a.test.ts': "import './support/process.ts';",
    },
    breaks: 2,
  },
  {
    rule: 'only src/aws imports the AWS SDK',
    files: {
      'src/aws/api.ts': "import { IAMClient } from '@aws-sdk/client-iam';",
      'src/account/a.ts': "import type { User } from '@aws-sdk/client-iam';",
      'operator/a.ts': "import { STSClient } from '@aws-sdk/client-sts';",
      'operator/b.ts': "import { x } from '@smithy/core';",
      'test/a.ts': "import { IAMClient } from '@aws-sdk/client-iam';",
    },
    breaks: 3,
  },
  {
    rule: 'only operator/http imports express',
    files: {
      'operator/http/a.ts': "import express from 'express';",
      'operator/b.ts': "import express from 'express';",
      'src/c.ts': "import { Router } from 'express';",
      'src/d.ts': "import x from 'express-like';",
    },
    breaks: 2,
  },
  {
    rule: 'src knows nothing of Kubernetes',
    files: { 'src/c.ts': "import type { V1Secret } from '@kubernetes/client-node';" },
    breaks: 1,
  },
  {
    rule: 'exactly one file imports @kubernetes/client-node',
    files: {
      'operator/a.ts': "import '@kubernetes/client-node'; import '@kubernetes/client-node/x';",
      'operator/b.ts': "import type { X } from '@kubernetes/client-node';",
    },
    breaks: 1,
  },
  { rule: 'exactly one file imports @kubernetes/client-node', files: { 'operator/a.ts': '' }, breaks: 1 },
  {
    rule: 'exactly one file imports @kubernetes/client-node',
    files: {
      'operator/a.ts': "import '@kubernetes/client-node'; import '@kubernetes/client-node';",
      'test/b.ts': "import '@kubernetes/client-node';",
    },
    breaks: 0,
  },
  { rule: 'a specifier is never computed', files: { 'operator/a.ts': 'await import(name);' }, breaks: 1 },
  {
    rule: 'a relative import ends in the name of a file that is there',
    files: { 'src/a.ts': "import './b'; import './c.ts'; import './a.ts';" },
    breaks: 2,
  },
  {
    rule: "nobody reaches past a folder's index.ts",
    files: {
      ...face,
      'src/account/a.ts': "import { x } from '../aws/api.ts';",
      'src/account/b.ts': "import type { X } from '../aws/api.ts';",
      'src/account/c.ts': "import { x } from '../aws/index.ts';",
      'src/aws/d.ts': "import { x } from './api.ts';",
      'operator/e.ts': "import { x } from '../src/aws/api.ts'; import './runtime/index.ts';",
      'test/f.ts': "import { x } from '../src/aws/api.ts';",
    },
    breaks: 3,
  },
  {
    rule: "nobody reaches past a folder's index.ts",
    files: {
      'src/outer/index.ts': "export * from './inner/index.ts';",
      'src/outer/inner/index.ts': '',
      'src/outer/inner/x.ts': "import '../y.ts';",
      'src/outer/y.ts': "import './inner/index.ts';",
      'src/other.ts': "import './outer/inner/index.ts';",
    },
    breaks: 1,
  },
  {
    rule: 'no import circles',
    files: {
      'src/a.ts': "import './b.ts';",
      'src/b.ts': "export * from './c.ts';",
      'src/c.ts': "import type { A } from './a.ts';",
      'src/d.ts': "import './a.ts'; import './c.ts';",
    },
    breaks: 1,
  },
  { rule: 'no import circles', files: { 'src/a.ts': "import './a.ts';" }, breaks: 1 },
  {
    rule: 'no import circles',
    files: {
      'src/a.ts': "import './b.ts'; import './c.ts';",
      'src/b.ts': "import './c.ts';",
      'src/c.ts': '',
    },
    breaks: 0,
  },
];

describe('each rule is able to fail', () => {
  test.each(examples)('$rule: $breaks', ({ rule, files, breaks }) => {
    const tree = treeOf(new Map(Object.entries(files)));
    expect(rules.find(({ name }) => name === rule)?.check(tree)).toHaveLength(breaks);
  });

  test('every rule has an example that breaks it', () => {
    const broken = new Set(examples.filter(({ breaks }) => breaks > 0).map(({ rule }) => rule));
    expect(rules.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  });
});

test('imports are found in every form, and nothing else is taken for one', () => {
  const source = [
    "import a from './a.ts';",
    "import type { B } from './b.ts';",
    "import './c.ts';",
    "export * from './d.ts';",
    "export type { E } from './e.ts';",
    "export const f = async () => import('./f.ts');",
    "let g: import('./g.ts').G;",
    "let h: typeof import('./h.ts');",
    "import i = require('./i.ts');",
    "const j = require('./j.ts');",
    "const k = `import './not.ts'`; // import './neither.ts'",
    'export { k };',
  ].join('\n');
  expect(importsOf('src/x/y.ts', source).map(({ target }) => target)).toEqual(
    'abcdefghij'.split('').map((name) => `src/x/${name}.ts`),
  );
});
