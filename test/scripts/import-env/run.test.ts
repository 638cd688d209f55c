import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { help, importEnv, type Ended } from '../../../scripts/import-env/run.ts';
import { parseInvocation } from '../../../operator/config.ts';
import { readSettings } from '../../../src/idhub/index.ts';
import { accountSchema } from '../../../src/schema/index.ts';
import { guideAttributes } from './guide-schema.ts';

const values: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY: 'canary-access-key',
  AWS_SECRET_ACCESS_KEY: 'canary/secret+key==',
  BUSINESS_OWNER: 'Jerome',
  CONNECTOR_DEBUG_LEVEL: 'DEBUG',
  IDHUB_HOSTNAME: 'example.iamsath.com',
  IT_OWNER: 'Jerome',
  KEYCLOAK_ACCESS_TOKEN: 'canary-access-token',
  KEYCLOAK_CLIENT_ID: 'AWS-connector',
  KEYCLOAK_REFRESH_TOKEN: 'canary-refresh-token',
  KEYCLOAK_REALM: 'alpha',
  SPLICE_DEBUG_LEVEL: 'INFO',
  PORT: '7002',
  ACCOUNT_SCHEMA: 'accountSchema',
  ENTITLEMENT_SCHEMA: 'entitlementSchema',
};

function run(
  change: Readonly<Record<string, string | undefined>> = {},
  args: readonly string[] = ['.env'],
  files: Readonly<Record<string, string>> = {},
): Ended {
  const text = Object.entries({ ...values, ...change })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: '${value}'`]))
    .join('\n');
  return importEnv(args, (path) => (path === '.env' ? text : files[path]));
}

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly schema?: { readonly attributes?: readonly object[] } };
}

function documents(ended: Ended): readonly Document[] {
  expect(ended.code).toBe(0);
  return parseAllDocuments(ended.stdout).map((each) => each.toJSON() as Document);
}

const find = (ended: Ended, kind: string, name?: string): Document => {
  const found = documents(ended).find(
    (each) => each.kind === kind && (name ?? each.metadata.name) === each.metadata.name,
  );
  if (found === undefined) {
    throw new Error(`there is no ${kind}`);
  }
  return found;
};

const decoded = (document: Document): Record<string, string> =>
  Object.fromEntries(
    Object.entries(document.data ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value, 'base64').toString(),
    ]),
  );

describe('npm run import-env', () => {
  test('the guide’s file becomes two Secrets, a connection and the operator’s variables', () => {
    const ended = run();
    expect(
      documents(ended).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'}/${metadata.name}`),
    ).toEqual([
      'Namespace -/idhub-aws',
      'Namespace -/idhub-system',
      'Secret idhub-aws/aws-credentials',
      'AwsConnection idhub-aws/aws',
      'Secret idhub-system/idhub',
      'ConfigMap idhub-system/idhub-aws-connector-environment',
    ]);
    expect(decoded(find(ended, 'Secret', 'aws-credentials'))).toEqual({
      accessKeyId: values['AWS_ACCESS_KEY'],
      secretAccessKey: values['AWS_SECRET_ACCESS_KEY'],
    });
    const idhub = decoded(find(ended, 'Secret', 'idhub'));
    expect(idhub).toEqual({
      hostname: 'example.iamsath.com',
      realm: 'alpha',
      clientId: 'AWS-connector',
      refreshToken: 'canary-refresh-token',
    });
    expect(readSettings(idhub).kind).toBe('ready');
    expect(find(ended, 'AwsConnection').spec).toEqual({
      credentials: { secretRef: { name: 'aws-credentials' } },
    });
  });

  test('the variables are flags of this operator, and mean what the file means', () => {
    const environment = find(run(), 'ConfigMap').data ?? {};
    expect(environment).toMatchObject({
      IDHUB_AWS_IDHUB_SECRET: 'idhub',
      IDHUB_AWS_HTTP_ADDRESS: '0.0.0.0:7002',
      IDHUB_AWS_LOG_LEVEL: 'debug',
      IDHUB_AWS_BUSINESS_OWNER: 'Jerome',
      IDHUB_AWS_IT_OWNER: 'Jerome',
      IDHUB_AWS_DEFAULT_CONNECTION: 'idhub-aws/aws',
    });
    const invocation = parseInvocation([], environment, { hostname: 'h', pid: 1, version: '0' });
    expect(invocation).toMatchObject({
      kind: 'run',
      config: {
        idhubSecret: 'idhub',
        httpAddress: { host: '0.0.0.0', port: 7002 },
        logLevel: 'debug',
        describe: { businessOwner: 'Jerome', itOwner: 'Jerome' },
      },
    });
  });

  test('standard error quotes no value, and says what was left out', () => {
    const ended = run();
    expect(ended.stderr).toContain('KEYCLOAK_ACCESS_TOKEN is not needed');
    expect(ended.stderr).not.toContain('canary');
    expect(ended.stdout).not.toContain('canary');
    expect(ended.stdout).not.toContain(Buffer.from('canary-access-token').toString('base64'));
  });

  test('names of one’s own; one namespace is there once', () => {
    const ended = run({}, [
      '--namespace=ops',
      '--system-namespace=ops',
      '--name=prod',
      '--idhub-secret=tokens',
      '.env',
    ]);
    expect(documents(ended).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Namespace ops',
      'Secret prod-credentials',
      'AwsConnection prod',
      'Secret tokens',
      'ConfigMap idhub-aws-connector-environment',
    ]);
    expect(find(ended, 'ConfigMap').data?.['IDHUB_AWS_IDHUB_SECRET']).toBe('tokens');
  });

  test.each<[string, Record<string, string | undefined>, string]>([
    ['a name that is missing', { KEYCLOAK_REALM: undefined }, 'KEYCLOAK_REALM is missing or empty'],
    ['an empty value', { AWS_ACCESS_KEY: '' }, 'AWS_ACCESS_KEY is missing or empty'],
    [
      'a placeholder of the guide',
      { KEYCLOAK_REFRESH_TOKEN: 'refreshToken' },
      "KEYCLOAK_REFRESH_TOKEN still has the guide's placeholder",
    ],
    [
      'a name that nobody knows',
      { KEYCLOAK_REFESH_TOKEN: 'canary' },
      'KEYCLOAK_REFESH_TOKEN is no name of the guide',
    ],
    ['half a token', { KEYCLOAK_REFRESH_TOKEN: 'canary canary' }, 'was it copied whole?'],
    ['a port that is none', { PORT: '0' }, 'PORT must be a number'],
    ['a level that is none', { CONNECTOR_DEBUG_LEVEL: 'LOUD' }, 'CONNECTOR_DEBUG_LEVEL must be one of'],
    ['a host in the clear', { IDHUB_HOSTNAME: 'http://idhub.test' }, 'must begin with https://'],
    [
      'a schema file that is not there',
      { ACCOUNT_SCHEMA: 'schema.json' },
      'ACCOUNT_SCHEMA is neither JSON nor the path',
    ],
    ['a schema that is no JSON', { ACCOUNT_SCHEMA: '{"canary"' }, 'ACCOUNT_SCHEMA is no JSON'],
    ['a schema that is none', { ENTITLEMENT_SCHEMA: '{}' }, 'ENTITLEMENT_SCHEMA: is no schema'],
    ['an attribute that cannot be', { ACCOUNT_SCHEMA: '[{"name":"used as"}]' }, 'attribute "used as"'],
  ])('%s: exit code 2, nothing printed, no value quoted', (_, change, sentence) => {
    const ended = run(change);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr).not.toContain('canary ');
    expect(ended.stderr.replaceAll('KEYCLOAK_REFESH_TOKEN', '')).not.toContain('canary');
  });

  test.each<[string, readonly string[], string]>([
    ['no file', [], 'give the path of one .env file'],
    ['two files', ['.env', 'b'], 'give the path of one .env file'],
    ['a file that is not there', ['other'], 'other cannot be read'],
    ['an option that nobody knows', ['--nmespace=x', '.env'], "Unknown option '--nmespace'"],
    ['a name that Kubernetes refuses', ['--name=Prod', '.env'], '"Prod": write 1 to 50'],
  ])('%s: exit code 2', (_, args, sentence) => {
    const ended = run({}, args);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(sentence);
  });

  test('--help', () => {
    expect(importEnv(['--help'], () => undefined)).toEqual({ code: 0, stdout: help, stderr: '' });
  });

  test('levels: of two the one that says more', () => {
    const level = (connector: string, splice: string): string | undefined =>
      find(run({ CONNECTOR_DEBUG_LEVEL: connector, SPLICE_DEBUG_LEVEL: splice }), 'ConfigMap').data?.[
        'IDHUB_AWS_LOG_LEVEL'
      ];
    expect([level('ERROR', 'TRACE'), level('warn', 'OFF'), level('INFO', 'INFO')]).toEqual([
      'trace',
      'warn',
      'info',
    ]);
  });
});

describe('ACCOUNT_SCHEMA', () => {
  const schemaOf = (attributes: readonly object[]): readonly object[] => {
    const ended = run({ ACCOUNT_SCHEMA: JSON.stringify({ attributes }) });
    return find(ended, 'AwsConnection').spec?.schema?.attributes ?? [];
  };
  const without = (...names: readonly string[]): readonly object[] =>
    guideAttributes.filter(({ name }) => !names.includes(name));
  const withChange = (name: string, change: object): readonly object[] =>
    guideAttributes.map((each) => (each.name === name ? { ...each, ...change } : each));

  test('the guide’s own changes nothing, and nothing is left out', () => {
    const ended = run({ ACCOUNT_SCHEMA: JSON.stringify({ attributes: guideAttributes }) });
    expect(find(ended, 'AwsConnection').spec).not.toHaveProperty('schema');
    expect(ended.stderr).not.toContain('ACCOUNT_SCHEMA');
  });

  test.each<[string, readonly object[], readonly object[]]>([
    [
      'one more',
      [...guideAttributes, { name: 'manager', canonicalValues: ['$REGEX ^.{1,64}$'] }],
      [{ name: 'manager', maxLength: 64 }],
    ],
    ['one less', without('jobTitle'), [{ name: 'jobTitle', removed: true }]],
    [
      'the newer names',
      [...without('givenName', 'surname'), { name: 'firstName' }, { name: 'lastName' }],
      [
        { name: 'firstName', renames: 'givenName' },
        { name: 'lastName', renames: 'surname' },
      ],
    ],
    [
      'another length',
      withChange('city', { canonicalValues: ['$REGEX ^.{1,40}$'] }),
      [{ name: 'city', maxLength: 40 }],
    ],
    [
      'other values',
      withChange('employeeType', { canonicalValues: ['Intern'] }),
      [{ name: 'employeeType', canonicalValues: ['Intern'] }],
    ],
    [
      'a direction',
      withChange('mail', { syncDirection: 'app-to-idhub' }),
      [{ name: 'mail', syncDirection: 'app-to-idhub' }],
    ],
    [
      'the guide’s spelling of one',
      withChange('mail', { syncDirection: 'Bi-Directional' }),
      [{ name: 'mail', syncDirection: 'bi-directional' }],
    ],
    ['the default direction', withChange('mail', { syncDirection: 'idhub-to-app' }), []],
  ])('%s', (_, attributes, changes) => {
    const found = schemaOf(attributes);
    expect(found).toEqual(changes);
    expect(accountSchema(found as never, '').problems).toEqual([]);
  });

  test('a file, by its path', () => {
    const ended = run({ ACCOUNT_SCHEMA: 'conf/account.json' }, ['.env'], {
      'conf/account.json': JSON.stringify({ attributes: without('city') }),
    });
    expect(find(ended, 'AwsConnection').spec?.schema?.attributes).toEqual([{ name: 'city', removed: true }]);
  });

  test('what spec.schema cannot say is said', () => {
    const ended = run({
      ACCOUNT_SCHEMA: JSON.stringify({
        attributes: withChange('mail', {
          canonicalValues: ['$REGEX ^.+@x.test$'],
          syncDirection: 'sideways',
        }),
      }),
      ENTITLEMENT_SCHEMA: JSON.stringify({ attributes: [{ name: 'displayName' }, { name: 'colour' }] }),
    });
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('attribute "mail": a pattern other than a length');
    expect(ended.stderr).toContain('attribute "mail": its syncDirection is none of');
    expect(ended.stderr).toContain('ENTITLEMENT_SCHEMA: entitlements have the attributes');
    expect(ended.stderr).toContain('colour');
  });

  test('one attribute by two names is a problem', () => {
    const ended = run({
      ACCOUNT_SCHEMA: JSON.stringify({ attributes: [...guideAttributes, { name: 'firstName' }] }),
    });
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('attribute "firstName" is there twice'),
    });
  });
});
