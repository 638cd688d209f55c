/**
 * Writes what is derived from other files, or with --check says what is out of date:
 * the types of the custom resources and what the operator needs to be served of them (from crds/), the AWS policies (from
 * src/aws/operations.ts), the page on metrics (from the metrics that the process registers), and of the chart the
 * definitions (from crds/) and the table of values (from its schema and defaults).
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';
import { features, minimalPolicy } from '../src/aws/index.ts';
import { metricsPage } from './generate/metrics-page.ts';
import { processMetrics } from './generate/process-metrics.ts';
import { neededOf, type Crd } from './generate/needed.ts';
import { valueRows, valuesTable, withTable, type ValuesSchema } from './generate/values-table.ts';

const root = join(import.meta.dirname, '..');
const chart = 'charts/idhub-aws-connector';

/** JSON Schema as json-schema-to-typescript reads it: no further fields, optional means absent. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) {
    return node.map(closed);
  }
  if (node === null || typeof node !== 'object') {
    return node;
  }
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (!key.startsWith('x-kubernetes-') && !['minLength', 'minItems', 'maxItems'].includes(key)) {
      result[key] = closed(value);
    }
  }
  if (result['type'] === 'object' && result['properties'] !== undefined) {
    result['additionalProperties'] = false;
  }
  return result;
}

async function typesOf(crd: Crd): Promise<{ file: string; text: string }> {
  const { kind, plural } = crd.spec.names;
  const version = crd.spec.versions[0];
  if (version === undefined) {
    throw new Error(`${kind} has no version`);
  }
  const { spec, status } = version.schema.openAPIV3Schema.properties ?? {};
  const options = {
    bannerComment: '',
    additionalProperties: false,
    style: { singleQuote: true, printWidth: 110 },
  };
  const parts = [
    await compile(closed(spec) as JSONSchema, `${kind}Spec`, options),
    await compile(closed(status) as JSONSchema, `${kind}Status`, options),
  ];
  const apiVersion = `${crd.spec.group}/${version.name}`;
  const file = kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  const text = [
    `// Generated from crds/ by npm run generate. Do not edit.`,
    `import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';`,
    '',
    ...parts,
    `export interface ${kind} {`,
    `  readonly apiVersion: string;`,
    `  readonly kind: string;`,
    `  readonly metadata: ObjectMeta;`,
    `  readonly spec: ${kind}Spec;`,
    `  readonly status?: ${kind}Status;`,
    `}`,
    '',
    `/** ${kind} of ${apiVersion}, as the API server serves it. */`,
    `export const ${kind[0]?.toLowerCase()}${kind.slice(1)}Type: ResourceType<${kind}> = {`,
    `  group: '${crd.spec.group}',`,
    `  version: '${version.name}',`,
    `  plural: '${plural}',`,
    `  kind: '${kind}',`,
    `  namespaced: ${crd.spec.scope === 'Namespaced'},`,
    `};`,
    '',
  ].join('\n');
  return { file: `operator/api/v1alpha1/${file}.ts`, text };
}

async function generated(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const names: string[] = [];
  const crds: Crd[] = [];
  for (const name of (await readdir(join(root, 'crds'))).sort()) {
    const definition = await readFile(join(root, 'crds', name), 'utf8');
    const crd = parse(definition) as Crd;
    crds.push(crd);
    const { file, text } = await typesOf(crd);
    files.set(file, text);
    files.set(`${chart}/files/crds/${name}`, definition);
    names.push(file);
  }
  files.set(
    'operator/api/v1alpha1/index.ts',
    ['// Generated from crds/ by npm run generate. Do not edit.']
      .concat(names.map((file) => `export * from './${file.split('/').at(-1)}';`))
      .join('\n') + '\n',
  );
  files.set('operator/definitions/needed.json', neededOf(crds));
  for (const feature of features) {
    files.set(
      `docs/aws-policy/${feature}.json`,
      `${JSON.stringify(minimalPolicy([feature]), undefined, 2)}\n`,
    );
  }
  files.set('docs/aws-policy/all.json', `${JSON.stringify(minimalPolicy(features), undefined, 2)}\n`);
  files.set('docs/metrics.md', metricsPage(await processMetrics()));
  const read = (name: string): Promise<string> => readFile(join(root, chart, name), 'utf8');
  const schema = JSON.parse(await read('values.schema.json')) as ValuesSchema;
  const table = valuesTable(valueRows(schema, parse(await read('values.yaml'))));
  files.set(`${chart}/README.md`, withTable(await read('README.md'), table));
  return files;
}

const check = process.argv.includes('--check');
let stale = 0;
for (const [file, text] of await generated()) {
  const path = join(root, file);
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === text) {
    continue;
  }
  stale += 1;
  if (check) {
    console.error(`${file} is out of date: run npm run generate and commit the result`);
  } else {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`wrote ${file}`);
  }
}
process.exitCode = check && stale > 0 ? 1 : 0;
