import { expect, test } from '@jest/globals';
import type { Mount } from '../../../../operator/http/frame/index.ts';
import { openApiDocument } from '../../../../operator/http/openapi/document.ts';
import { allMounts } from './served.ts';

type Document = {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { operationId?: string; parameters?: { name: string; in: string }[] }>>
    >
  >;
};

const methods: ReadonlySet<string> = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** Method and path of everything that routers answer, in the words of OpenAPI. */
function routesOf(mounts: readonly Mount[]): string[] {
  return mounts.flatMap(({ path, router }) =>
    router.stack.flatMap(({ route }) => {
      if (route === undefined) {
        throw new Error(`${path} has something beside routes`);
      }
      const below = route.path === '/' ? '' : route.path.replaceAll(/:(\w+)/g, '{$1}');
      return route.stack
        .map(({ method }) => method)
        .filter((method) => methods.has(method))
        .map((method) => `${method} ${path}${below}`);
    }),
  );
}

const document = openApiDocument({ version: '1.2.3' }) as Document;

test('every route of the port is in the document, and nothing else is', async () => {
  const told = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => methods.has(key))
      .map((method) => `${method} ${path}`),
  );
  const routes = routesOf(await allMounts());
  expect(told.toSorted()).toEqual(routes.toSorted());
  expect(routes.length).toBeGreaterThan(5);
});

test('every parameter of a path is told, and each operation has a name of its own', () => {
  const names: string[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const [method, { operationId = '', parameters = [] }] of Object.entries(item)) {
      if (methods.has(method)) {
        names.push(operationId);
        const told = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
        expect([path, method, told]).toEqual([path, method, inPath]);
      }
    }
  }
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain('');
});

test('it speaks of nothing that is not in it', () => {
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"(#\/components\/[^"]+)"/g)].map(([, ref]) => String(ref));
  const at = (ref: string): unknown =>
    ref
      .slice(2)
      .split('/')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
  expect(refs.filter((ref) => at(ref) === undefined)).toEqual([]);
  expect(refs.length).toBeGreaterThan(20);
});
