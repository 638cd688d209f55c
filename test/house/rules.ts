import { posix } from 'node:path';
import type { Import, Tree } from './imports.ts';

/** A rule of the house: what it says, and the sentences on whatever breaks it. */
export interface Rule {
  readonly name: string;
  readonly check: (tree: Tree) => readonly string[];
}

const isProduct = (path: string): boolean => within(path, 'src') || within(path, 'operator');

/** The import rules of the house; they speak of `src` and `operator`, unless their name says otherwise. */
export const rules: readonly Rule[] = [
  edges(
    'src never imports operator',
    ({ from, target }) => within(from, 'src') && within(target, 'operator'),
  ),
  edges(
    'src imports nothing outside of src',
    ({ from, target }) => within(from, 'src') && target !== undefined && !within(target, 'src'),
  ),
  edges(
    'operator/runtime imports nothing of this repository but itself',
    ({ from, target }) =>
      within(from, 'operator/runtime') && target !== undefined && !within(target, 'operator/runtime'),
  ),
  edges(
    'nothing under src or operator imports from test',
    ({ from, target }) => isProduct(from) && within(target, 'test'),
  ),
  edges(
    'only src/aws imports the AWS SDK',
    ({ from, specifier }) =>
      isProduct(from) && !within(from, 'src/aws') && /^@(aws-sdk|aws-crypto|smithy)\//.test(specifier),
  ),
  edges(
    'only operator/http imports express',
    ({ from, specifier }) =>
      isProduct(from) && !within(from, 'operator/http') && isPackage(specifier, 'express'),
  ),
  edges(
    'src knows nothing of Kubernetes',
    ({ from, specifier }) => within(from, 'src') && specifier.startsWith('@kubernetes/'),
  ),
  {
    name: 'exactly one file imports @kubernetes/client-node',
    check: ({ imports }) => {
      const importers = [
        ...new Set(
          imports
            .filter(
              ({ from, specifier }) => isProduct(from) && isPackage(specifier, '@kubernetes/client-node'),
            )
            .map(({ from }) => from),
        ),
      ];
      return importers.length === 1 ? [] : [`imported by ${importers.length} files: ${importers.join(', ')}`];
    },
  },
  edges(
    'a specifier is never computed',
    ({ from, specifier }) => isProduct(from) && specifier === '(computed)',
  ),
  {
    name: 'a relative import ends in the name of a file that is there',
    check: ({ files, imports }) =>
      imports
        .filter(({ from, target }) => isProduct(from) && target !== undefined && !files.has(target))
        .filter(({ target }) => target?.endsWith('.json') !== true)
        .map(sentence),
  },
  {
    name: "nobody reaches past a folder's index.ts",
    check: ({ files, imports }) =>
      imports
        .filter(
          ({ from, target }) =>
            isProduct(from) && target !== undefined && faceOf(files, from, target) !== target,
        )
        .map((each) => `${sentence(each)}, past ${faceOf(files, each.from, each.target ?? '')}`),
  },
  { name: 'no import circles', check: circles },
];

/** Whether a path is in a folder. */
function within(path: string | undefined, folder: string): boolean {
  return path?.startsWith(`${folder}/`) === true;
}

function isPackage(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}

function sentence({ from, specifier }: Import): string {
  return `${from} imports ${specifier}`;
}

function edges(name: string, breaks: (each: Import) => boolean): Rule {
  return { name, check: ({ imports }) => imports.filter(breaks).map(sentence) };
}

/** The file that stands for `target` towards `from`: the outermost index.ts of the folders that `from` is not in. */
function faceOf(files: ReadonlySet<string>, from: string, target: string): string {
  const folders = posix.dirname(target).split('/');
  const outside = folders
    .map((_, index) => folders.slice(0, index + 1).join('/'))
    .filter((folder) => !within(from, folder))
    .map((folder) => `${folder}/index.ts`);
  return outside.find((index) => files.has(index)) ?? target;
}

/** Each circle once, by its files in order. */
function circles({ files, imports }: Tree): readonly string[] {
  const next = new Map<string, string[]>();
  for (const { from, target } of imports) {
    if (isProduct(from) && target !== undefined && files.has(target)) {
      next.set(from, [...(next.get(from) ?? []), target]);
    }
  }
  const found: string[] = [];
  const finished = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(' -> '));
      return;
    }
    if (!finished.has(path)) {
      next.get(path)?.forEach((each) => walk(each, [...trail, path]));
      finished.add(path);
    }
  };
  [...files].forEach((path) => walk(path, []));
  return found;
}
