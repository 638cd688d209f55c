import { describe, expect, test } from '@jest/globals';
import { ownStateNames } from '../../src/idhub/index.ts';
import { httpFlags } from '../../operator/http-config.ts';
import { parseInvocation, variableOf, type Config, type Invocation } from '../../operator/config.ts';

const host = { hostname: 'pod-0', pid: 7, version: '1.2.3' };
const parse = (args: readonly string[], environment: Record<string, string> = {}): Invocation =>
  parseInvocation(args, environment, host);

function configOf(args: readonly string[], environment: Record<string, string> = {}): Config {
  const invocation = parse(args, environment);
  if (invocation.kind !== 'run') {
    throw new Error(`not run: ${JSON.stringify(invocation)}`);
  }
  return invocation.config;
}

const refusal = (args: readonly string[], environment: Record<string, string> = {}): string => {
  const invocation = parse(args, environment);
  return invocation.kind === 'refuse' ? invocation.message : `(not refused: ${invocation.kind})`;
};

describe('flags', () => {
  test('have their defaults', () => {
    expect(configOf([])).toEqual({
      kubeconfig: undefined,
      context: undefined,
      namespace: 'idhub-system',
      watchNamespaces: undefined,
      installationId: undefined,
      leaderElect: true,
      identity: 'pod-0_7',
      metricsAddress: { host: '127.0.0.1', port: 8080 },
      httpAddress: { host: '127.0.0.1', port: 7002 },
      http: {
        authSecret: undefined,
        oidc: undefined,
        publicUrl: undefined,
        trustedProxies: [],
        defaultConnection: undefined,
        callerRate: 50,
        shutoutBurst: 50,
        advertised: undefined,
        tls: undefined,
      },
      workers: 10,
      logLevel: 'info',
      allowEndpointOverride: false,
      snapshotIntervalMs: 600_000,
      listMaxAgeMs: 1_800_000,
      idhubDelete: 'Delete',
      gracePeriodMs: 25_000,
      awsMaxRate: 100,
      idhubSecret: undefined,
      describe: { businessOwner: undefined, itOwner: undefined, states: ownStateNames },
      idhubIntervalMs: 60_000,
    });
  });

  test.each<[readonly string[], Partial<Config>]>([
    [['--kubeconfig', '/x'], { kubeconfig: '/x' }],
    [['--context=kind'], { context: 'kind' }],
    [['--namespace', 'ops'], { namespace: 'ops' }],
    [['--watch-namespaces', 'a, b,c'], { watchNamespaces: ['a', 'b', 'c'] }],
    [['--installation-id', 'inst-1'], { installationId: 'inst-1' }],
    [['--no-leader-elect'], { leaderElect: false }],
    [['--leader-elect'], { leaderElect: true }],
    [['--identity', 'me'], { identity: 'me' }],
    [['--metrics-address', ':9090'], { metricsAddress: { host: '0.0.0.0', port: 9090 } }],
    [['--metrics-address', '[::1]:0'], { metricsAddress: { host: '::1', port: 0 } }],
    [['--metrics-address', 'localhost:65535'], { metricsAddress: { host: 'localhost', port: 65_535 } }],
    [['--http-address', ':7002'], { httpAddress: { host: '0.0.0.0', port: 7_002 } }],
    [['--http-address', '[::1]:0'], { httpAddress: { host: '::1', port: 0 } }],
    [['--idhub-interval', '10m'], { idhubIntervalMs: 600_000 }],
    [['--idhub-secret', 'idhub.tokens'], { idhubSecret: 'idhub.tokens' }],
    [
      ['--business-owner', 'Jerome', '--it-owner', ' Ann ', '--connector-states', 'UNKNOWN=Unresolved'],
      {
        describe: {
          businessOwner: 'Jerome',
          itOwner: 'Ann',
          states: { ...ownStateNames, UNKNOWN: 'Unresolved' },
        },
      },
    ],
    [['--workers', '1'], { workers: 1 }],
    [['--workers', '100'], { workers: 100 }],
    [['--log-level', 'trace'], { logLevel: 'trace' }],
    [['--allow-endpoint-override'], { allowEndpointOverride: true }],
    [['--snapshot-interval', '1s'], { snapshotIntervalMs: 1_000 }],
    [['--snapshot-interval', '90s'], { snapshotIntervalMs: 90_000 }],
    [['--snapshot-interval', '1h'], { snapshotIntervalMs: 3_600_000, listMaxAgeMs: 10_800_000 }],
    [['--list-max-age', '10m'], { snapshotIntervalMs: 600_000, listMaxAgeMs: 600_000 }],
    [['--idhub-delete', 'Disable'], { idhubDelete: 'Disable' }],
    [['--grace-period', '500ms'], { gracePeriodMs: 500 }],
    [['--aws-max-rate', '1000'], { awsMaxRate: 1_000 }],
  ])('%j', (args, expected) => {
    expect(configOf(args)).toMatchObject(expected);
  });

  test.each<[readonly string[], RegExp]>([
    [['--idhub-interval', '999ms'], /^--idhub-interval .* is "999ms"; write 1s to 10m$/],
    [['--idhub-interval', '11m'], /write 1s to 10m$/],
    [['--idhub-secret', 'No'], /^--idhub-secret .* is "No"; write the name of a Secret$/],
    [['--workers', '0'], /^--workers \(or IDHUB_AWS_WORKERS\) is "0"; write a whole number from 1 to 100$/],
    [['--workers', '101'], /from 1 to 100/],
    [['--idhub-delete', 'Retain'], /^--idhub-delete .* is "Retain"; write Delete or Disable$/],
    [['--workers', '1.5'], /whole number/],
    [['--workers', 'ten'], /is "ten"/],
    [['--workers', ''], /whole number/],
    [['--aws-max-rate', '0'], /from 1 to 1000/],
    [['--log-level', 'loud'], /write one of trace, debug, info, warn, error/],
    [['--log-level', 'INFO'], /write one of/],
    [['--metrics-address', '8080'], /write HOST:PORT/],
    [['--metrics-address', 'localhost'], /write HOST:PORT/],
    [['--metrics-address', '::1:8080'], /write HOST:PORT/],
    [['--metrics-address', 'localhost:65536'], /write HOST:PORT/],
    [
      ['--http-address', '7002'],
      /^--http-address \(or IDHUB_AWS_HTTP_ADDRESS\) is "7002"; write HOST:PORT, for example 0.0.0.0:7002$/,
    ],
    [['--http-address', 'localhost:65536'], /write HOST:PORT/],
    [['--snapshot-interval', '999ms'], /write at least 1s/],
    [['--snapshot-interval', '10'], /write a time such as/],
    [['--snapshot-interval', '1d'], /write a time such as/],
    [['--business-owner', 'a\nb'], /write a name of at most 256 characters/],
    [['--it-owner', 'x'.repeat(257)], /write a name of at most 256 characters/],
    [['--connector-states', 'GONE=x'], /"GONE=x" names no state: write one of NOT_CONFIGURED, UP/],
    [['--list-max-age', '9m'], /write at least the time of --snapshot-interval/],
    [['--list-max-age', 'never'], /write a time such as/],
    [['--grace-period', '-1s'], /grace-period/],
    [['--installation-id', 'Inst'], /1 to 63 small letters/],
    [['--installation-id', 'a/b'], /1 to 63 small letters/],
    [['--installation-id', '-a'], /installation-id/],
    [['--installation-id', 'x'.repeat(64)], /1 to 63 small letters/],
    [['--verbose'], /Unknown option '--verbose'.*\(see --help\)$/],
    [['start'], /Unexpected argument 'start'.*\(see --help\)$/],
    [['--workers'], /argument missing.*\(see --help\)$/],
    [['--leader-elect=maybe'], /\(see --help\)$/],
  ])('%j is refused with what to write', (args, message) => {
    expect(refusal(args)).toMatch(message);
  });

  test('all that is wrong is said at once, a line each', () => {
    const lines = refusal(['--workers', '0', '--log-level', 'x', '--grace-period', 'y']).split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['--log-level', '--workers', '--grace-period']);
  });
});

describe('the environment', () => {
  test.each([
    ['log-level', 'IDHUB_AWS_LOG_LEVEL'],
    ['allow-endpoint-override', 'IDHUB_AWS_ALLOW_ENDPOINT_OVERRIDE'],
  ])('%s is %s', (flag, variable) => {
    expect(variableOf(flag)).toBe(variable);
  });

  test('stands for flags that are not given, and gives way to those that are', () => {
    const environment = {
      IDHUB_AWS_WORKERS: '3',
      IDHUB_AWS_LOG_LEVEL: 'debug',
      IDHUB_AWS_LEADER_ELECT: 'false',
      IDHUB_AWS_ALLOW_ENDPOINT_OVERRIDE: 'true',
    };
    expect(configOf([], environment)).toMatchObject({
      workers: 3,
      logLevel: 'debug',
      leaderElect: false,
      allowEndpointOverride: true,
    });
    expect(
      configOf(['--workers', '4', '--leader-elect', '--no-allow-endpoint-override'], environment),
    ).toMatchObject({ workers: 4, logLevel: 'debug', leaderElect: true, allowEndpointOverride: false });
  });

  test.each([
    ['IDHUB_AWS_WORKERS', 'many', '--workers'],
    ['IDHUB_AWS_LEADER_ELECT', 'yes', '--leader-elect'],
    ['IDHUB_AWS_SNAPSHOT_INTERVAL', '5', '--snapshot-interval'],
  ])('%s=%s is refused, and the variable is named', (name, value, flag) => {
    const message = refusal([], { [name]: value });
    expect(message).toContain(flag);
    expect(message).toContain(name);
  });

  test('has no say by other names', () => {
    expect(configOf([], { WORKERS: '3', AWS_ACCESS_KEY_ID: 'x', IDHUB_WORKERS: '3' }).workers).toBe(10);
  });
});

describe('what is only printed', () => {
  test('the version', () => {
    expect(parse(['--version'])).toEqual({ kind: 'print', text: '1.2.3' });
  });

  test('the help, which names every flag with its default and fits a terminal’s lines to its flags', () => {
    const help = parse(['--help', '--version', '--workers', '0']);
    const text = help.kind === 'print' ? help.text : '';
    const named = [...text.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name);
    expect(named).toEqual([
      'kubeconfig',
      'context',
      'namespace',
      'watch-namespaces',
      'installation-id',
      'leader-elect',
      'identity',
      'metrics-address',
      'http-address',
      ...Object.keys(httpFlags),
      'workers',
      'log-level',
      'allow-endpoint-override',
      'snapshot-interval',
      'list-max-age',
      'idhub-delete',
      'grace-period',
      'aws-max-rate',
      'idhub-secret',
      'business-owner',
      'it-owner',
      'connector-states',
      'idhub-interval',
      'push-url',
      'push-secret',
      'help',
      'version',
    ]);
    expect(text).toMatch(/--workers N\s+accounts worked on at once, 1 to 100 \(default 10\)/);
    expect(text).toContain('IDHUB_AWS_LOG_LEVEL');
  });
});

describe('where changes are sent to', () => {
  const given = ['--push-url', 'https://idhub.example.com/hooks', '--push-secret', 'push-keys'];

  test('both flags, or the environment', () => {
    const expected = { url: new URL('https://idhub.example.com/hooks'), secret: 'push-keys' };
    expect(configOf(given).push).toEqual(expected);
    expect(
      configOf([], { IDHUB_AWS_PUSH_URL: expected.url.href, IDHUB_AWS_PUSH_SECRET: 'push-keys' }).push,
    ).toEqual(expected);
    expect(configOf([]).push).toBeUndefined();
  });

  test.each<[readonly string[], RegExp]>([
    [
      ['--push-url', 'https://a.example/'],
      /^--push-url \(or IDHUB_AWS_PUSH_URL\) is given without --push-secret; give both/,
    ],
    [
      ['--push-secret', 'x'],
      /^--push-secret \(or IDHUB_AWS_PUSH_SECRET\) is given without --push-url; give both/,
    ],
    [['--push-url', 'http://a.example/', '--push-secret', 'x'], /--push-url .* cannot be used; write https/],
    [['--push-url', 'https://u:swordfish@a.example/', '--push-secret', 'x'], /leave name and password out/],
    [
      ['--push-url', 'https://a.example/', '--push-secret', 'No_Name'],
      /is "No_Name"; write the name of a Secret/,
    ],
    [['--push-url', 'https://a.example/', '--push-secret', 'a..b'], /write the name of a Secret/],
  ])('%j is refused', (args, sentence) => {
    expect(refusal(args)).toMatch(sentence);
    expect(refusal(args)).not.toContain('swordfish');
  });
});
