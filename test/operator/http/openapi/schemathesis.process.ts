import { expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '../../../support/process.ts';
import { pythonEnvironment } from '../../../support/python.ts';
import { serveMounts } from '../served.ts';
import { allMounts } from './served.ts';

/** What clients are, in seconds: everything is asked for at once. */
const unlimited = { burst: 1e9, perSecond: 1e9 };

function environment() {
  return pythonEnvironment({
    name: 'openapi',
    requirements: new URL('requirements.txt', import.meta.url),
    modules: ['schemathesis', 'openapi_spec_validator'],
  });
}

async function served() {
  return serveMounts({
    mounts: await allMounts(),
    limits: { perAddress: unlimited, perCaller: unlimited },
  });
}

async function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | string; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'idhub-openapi-'));
  try {
    const running = startProcess(command, args, { cwd: folder });
    const code = await running.exited;
    return { code, text: running.lines.join('\n') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the document is one of OpenAPI 3.1', async () => {
  const { python } = await environment();
  const { url } = await served();
  const program = [
    'import json, sys, urllib.request',
    'from openapi_spec_validator import OpenAPIV31SpecValidator',
    'document = json.load(urllib.request.urlopen(sys.argv[1]))',
    'assert document["openapi"].startswith("3.1."), document["openapi"]',
    'errors = [f"{list(each.absolute_path)}: {each.message[:300]}" for each in OpenAPIV31SpecValidator(document).iter_errors()]',
    'print(len(document["paths"]), "paths", *errors, sep="\\n")',
    'sys.exit(len(errors) > 0)',
  ].join('\n');
  const { code, text } = await run(python, ['-c', program, `${url}/openapi.json`]);
  expect(text).toMatch(/^\d+\npaths$/);
  expect(code).toBe(0);
});

/** A client that tries what the document says, what it does not say, and what is near it: no 5xx, and every answer as it is described. */
test.each([
  ['of the default connection', ''],
  ['of one connection', '/connections/team/aws'],
])(
  'what is answered to the paths %s is what the document says',
  async (_what, base) => {
    const { python } = await environment();
    const { url, answered } = await served();
    const { code, text } = await run(python, [
      '-m',
      'schemathesis.cli',
      `--config-file=${new URL('schemathesis.toml', import.meta.url).pathname}`,
      'run',
      `${url}/openapi.json`,
      `--url=${url}${base}`,
      '--header=Authorization: Bearer jo-token',
      '--seed=20261126',
      '--max-examples=15',
      '--workers=1',
      '--no-shrink',
      // What SCIM answers is the same with the connection in its address.
      ...(base === '' ? [] : ['--exclude-tag=reports', '--exclude-tag=scim']),
    ]);
    expect({ code, text: code === 0 ? '' : text }).toEqual({ code: 0, text: '' });
    expect(answered.filter(({ code: status }) => status >= 500 && status !== 501)).toEqual([]);
    expect(answered.length).toBeGreaterThan(200);
  },
  600_000,
);
