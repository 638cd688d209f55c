import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../src/scim/index.ts';
import { startProcess } from '../support/process.ts';
import { pythonEnvironment } from '../support/python.ts';

/** One check of the compliance tester (PyPI scim2-tester), or of the reads beside it. */
export interface Check {
  readonly name: string;
  readonly status: string;
  readonly reason: string;
}

export interface TesterOptions {
  /** Of the service, such as `http://127.0.0.1:7002/scim/v2`. */
  readonly url: string;
  /** Of each request. */
  readonly authorization: string;
  /** Names of the resource types that are written and read. */
  readonly written: readonly string[];
  /** Names of those that are read only. */
  readonly read: readonly string[];
  /**
   * Values that the tester takes instead of random ones, by schema and path: it cannot know which groups there are.
   * They are told to it as canonical values, one each.
   */
  readonly examples: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Attributes that the tester is told it cannot write, so that it leaves them alone. */
  readonly withheld?: readonly string[];
}

/** Runs the tester and the reads. @throws {Error} with its last lines where it breaks off */
export async function testScim(options: TesterOptions): Promise<readonly Check[]> {
  const { url, authorization, written, read } = options;
  const { python } = await pythonEnvironment({
    name: 'scim',
    requirements: new URL('requirements.txt', import.meta.url),
    modules: ['scim2_cli', 'scim2_tester'],
  });
  const get = async (path: string): Promise<readonly JsonObject[]> => {
    const answer = await fetch(`${url}${path}`, { headers: { authorization } });
    const { Resources } = (await answer.json()) as { Resources: readonly JsonObject[] };
    return Resources;
  };
  const schemas: JsonObject[] = [];
  for (const schema of await get('/Schemas')) {
    const attributes = schema['attributes'] as readonly JsonObject[];
    schemas.push({ ...schema, attributes: told(attributes, schema['id'] as string, options) });
  }
  const folder = await mkdtemp(join(tmpdir(), 'idhub-scim-'));
  try {
    const tester = startProcess(python, [new URL('tester.py', import.meta.url).pathname], {
      cwd: folder,
      input: JSON.stringify({
        url,
        headers: { Authorization: authorization },
        schemas,
        resourceTypes: await get('/ResourceTypes'),
        written,
        read,
      }),
    });
    const code = await tester.exited;
    const checks = tester.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Check);
    if (code !== 0 || checks.length === 0) {
      throw new Error(
        `${tableOf(checks)}\n\nthe tester broke off (${code}):\n${tester.lines.slice(-30).join('\n')}`,
      );
    }
    return checks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Attributes as the tester is told of them. */
function told(
  attributes: readonly JsonObject[],
  urn: string,
  { examples, withheld = [] }: Pick<TesterOptions, 'examples' | 'withheld'>,
  before = '',
): JsonValue {
  return attributes.map((attribute) => {
    const path = `${before}${attribute['name'] as string}`;
    const example = examples[urn]?.[path];
    const { subAttributes, canonicalValues, mutability, returned, ...rest } = attribute;
    const kept = withheld.includes(path);
    const values = example === undefined ? canonicalValues : [example];
    return {
      ...rest,
      mutability: kept ? 'readOnly' : mutability,
      returned: kept ? 'default' : returned,
      ...(values === undefined ? {} : { canonicalValues: values }),
      ...(Array.isArray(subAttributes)
        ? { subAttributes: told(subAttributes as JsonObject[], urn, { examples, withheld }, `${path}.`) }
        : {}),
    };
  });
}

/** The checks as a table for people, and how many came to what. */
export function tableOf(checks: readonly Check[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const rows = checks.map(
    ({ name, status, reason }) => `${status.padEnd(8)} ${name.padEnd(width)}  ${reason.slice(0, 140)}`,
  );
  const count = (...statuses: string[]): number =>
    checks.filter(({ status }) => statuses.includes(status)).length;
  return [
    ...rows,
    '',
    `${checks.length} checks: ${count('SUCCESS')} passed, ${count('ERROR', 'CRITICAL', 'DEVIATION')} failed, ${count('SKIPPED')} skipped`,
  ].join('\n');
}
