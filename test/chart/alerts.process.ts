import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { runCommand, type CommandResult } from '../support/command.ts';
import { plainEnvironment } from '../support/process.ts';
import { Helm, ensureHelm } from './helm.ts';
import { ensurePromtool } from './promtool.ts';

// Helm and promtool are built where the cache does not have them.
jest.setTimeout(1_800_000);

const chart = join(import.meta.dirname, '../../charts/idhub-aws-connector');
const dir = mkdtempSync(join(tmpdir(), 'idhub-alerts-'));

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A minute apart, in the notation of promtool: `0x5` is six times 0, `_` none, `stale` the end of the series. */
type Samples = string;

interface Firing {
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

interface Case {
  readonly title: string;
  readonly series: Readonly<Record<string, Samples>>;
  /** What fires, by the minute after which it is looked at. */
  readonly firing: Readonly<Record<number, readonly Firing[]>>;
}

/** One of our pods in a namespace, as Prometheus labels what it reads from it. */
function pod(
  name: string,
  namespace = 'idhub-system',
): (labels?: Readonly<Record<string, string>>) => string {
  const of = { namespace, pod: name, instance: `${name}:9090`, job: 'idhub-aws-connector-metrics' };
  return (labels = {}) =>
    `{${Object.entries({ ...of, ...labels })
      .map(([key, value]) => `${key}="${value}"`)
      .join(',')}}`;
}

const [a, b] = [pod('a'), pod('b')];
const lease = { name: 'idhub-aws-connector' };
const connection = 'team/aws';
const noLeader = 'Nobody leads, or more than one do, so that nothing is written.';

const cases: Readonly<Record<string, readonly Case[]>> = {
  IdhubConnectionNotReady: [
    {
      title: 'a connection that is refused is told once, though both replicas see it',
      series: {
        [`idhub_connection_ready${a({ connection, reason: 'AssumeRoleDenied' })}`]: '0x10',
        [`idhub_connection_ready${b({ connection, reason: 'AssumeRoleDenied' })}`]: '0x10',
        [`idhub_connection_ready${a({ connection: 'team/other', reason: 'Verified' })}`]: '1x10',
      },
      firing: {
        4: [],
        6: [
          {
            labels: { connection, reason: 'AssumeRoleDenied' },
            summary: 'The AWS account of team/aws cannot be used (AssumeRoleDenied).',
          },
        ],
      },
    },
    {
      title: 'reasons that take turns do not begin the time anew',
      series: {
        [`idhub_connection_ready${a({ connection, reason: 'Throttled' })}`]:
          '0 stale 0 stale 0 stale 0 stale 0',
        [`idhub_connection_ready${a({ connection, reason: 'Unreachable' })}`]:
          '_ 0 stale 0 stale 0 stale 0 stale',
      },
      firing: {
        7: [
          {
            labels: { connection, reason: 'Throttled' },
            summary: 'The AWS account of team/aws cannot be used (Throttled).',
          },
          {
            labels: { connection, reason: 'Unreachable' },
            summary: 'The AWS account of team/aws cannot be used (Unreachable).',
          },
        ],
      },
    },
    {
      title: 'one that can be used in between is no alert, and one that can be used again no more',
      series: {
        [`idhub_connection_ready${a({ connection, reason: 'Throttled' })}`]:
          '_ _ 0 stale _ 0 stale _ 0 stale _ 0 stale _ 0 stale _ 0 stale',
        [`idhub_connection_ready${a({ connection, reason: 'Verified' })}`]:
          '1 1 stale 1 1 stale 1 1 stale 1 1 stale 1 1 stale 1 1 stale',
        [`idhub_connection_ready${a({ connection: 'team/other', reason: 'Throttled' })}`]: '0x8 stale',
        [`idhub_connection_ready${a({ connection: 'team/other', reason: 'Verified' })}`]: '_x8 1x10',
      },
      firing: {
        7: [
          {
            labels: { connection: 'team/other', reason: 'Throttled' },
            summary: 'The AWS account of team/other cannot be used (Throttled).',
          },
        ],
        10: [],
        15: [],
      },
    },
    {
      title: 'a start, and one look that failed, are nothing',
      series: {
        [`idhub_connection_ready${a({ connection, reason: 'Verifying' })}`]: '0 stale',
        [`idhub_connection_ready${a({ connection, reason: 'Throttled' })}`]: '_ _ _ _ 0 stale',
        [`idhub_connection_ready${a({ connection, reason: 'Verified' })}`]: '_ 1 1 1 stale 1x10',
      },
      firing: { 2: [], 5: [], 7: [], 9: [] },
    },
  ],
  IdhubCrdOutdated: [
    {
      title: 'a CRD that the pods wait for; not one that is upgraded at once',
      series: {
        [`idhub_crd_outdated${a({ crd: 'awsaccounts.aws.idhub.io' })}`]: '1x5',
        [`idhub_crd_outdated${a({ crd: 'awsconnections.aws.idhub.io' })}`]: '1 0x5',
      },
      firing: {
        0: [],
        3: [
          {
            labels: { crd: 'awsaccounts.aws.idhub.io' },
            summary: 'awsaccounts.aws.idhub.io is not served as this version needs it: the operator waits.',
          },
        ],
      },
    },
  ],
  IdhubSnapshotOld: [
    {
      title: 'three readings late, and no sooner',
      series: {
        [`idhub_snapshot_age_seconds${a({ connection })}`]: '0+60x40',
        [`idhub_snapshot_age_seconds${a({ connection: 'team/other' })}`]: '600x40',
      },
      firing: {
        34: [],
        36: [
          {
            labels: { connection },
            summary: 'The AWS account of team/aws was last read to its end 36m 0s ago.',
          },
        ],
      },
    },
  ],
  IdhubAccountsNotReady: [
    {
      title: 'accounts are counted once, though both replicas count them; what waits or works is nothing',
      series: {
        [`idhub_accounts${a({ ready: 'False', reason: 'AlreadyExists' })}`]: '3x20',
        [`idhub_accounts${b({ ready: 'False', reason: 'AlreadyExists' })}`]: '3x20',
        [`idhub_accounts${a({ ready: 'True', reason: 'Reconciled' })}`]: '40x20',
        [`idhub_accounts${a({ ready: 'Unknown', reason: 'Pending' })}`]: '2x20',
      },
      firing: {
        14: [],
        16: [
          {
            labels: { namespace: 'idhub-system', reason: 'AlreadyExists' },
            summary: '3 accounts are not as declared (AlreadyExists).',
          },
        ],
      },
    },
    {
      title: 'a reason that comes and goes is told, one that was there for a moment is not',
      series: {
        [`idhub_accounts${a({ ready: 'False', reason: 'Throttled' })}`]:
          '1 stale _ _ 1 stale _ _ 1 stale _ _ 1 stale _ _ 1 stale _ _ 1',
        [`idhub_accounts${a({ ready: 'False', reason: 'Conflict' })}`]: '1 1 1 1 1 stale',
      },
      firing: {
        17: [
          {
            labels: { namespace: 'idhub-system', reason: 'Throttled' },
            summary: '1 accounts are not as declared (Throttled).',
          },
        ],
      },
    },
  ],
  IdhubBindingsNotReady: [
    {
      title: 'bindings that AWS refuses, and none that work',
      series: {
        [`idhub_bindings${a({ ready: 'False', reason: 'EntitlementNotFound' })}`]: '2x20',
        [`idhub_bindings${b({ ready: 'False', reason: 'EntitlementNotFound' })}`]: '2x20',
        [`idhub_bindings${a({ ready: 'True', reason: 'Bound' })}`]: '9x20',
      },
      firing: {
        14: [],
        16: [
          {
            labels: { namespace: 'idhub-system', reason: 'EntitlementNotFound' },
            summary: '2 bindings are not as declared (EntitlementNotFound).',
          },
        ],
      },
    },
  ],
  IdhubBreakerOpen: [
    {
      title: 'at once, and over when it is closed',
      series: {
        [`idhub_breaker_open${a({ connection })}`]: '0 1 1 0x5',
        [`idhub_breaker_open${b({ connection })}`]: '0 0 1 0x5',
      },
      firing: {
        0: [],
        1: [
          {
            labels: { connection },
            summary:
              'Lists of team/aws are stopped, since more users are missing than may be deleted at once.',
          },
        ],
        4: [],
      },
    },
  ],
  IdhubAwsThrottled: [
    {
      title: 'refusals that go on, of both replicas together; not those of a burst, nor other outcomes',
      series: {
        [`idhub_aws_calls_total${a({ connection, service: 'iam', operation: 'GetUser', outcome: 'throttled' })}`]:
          '0+24x30',
        [`idhub_aws_calls_total${b({ connection, service: 'iam', operation: 'GetUser', outcome: 'throttled' })}`]:
          '0+24x30',
        [`idhub_aws_calls_total${a({ connection: 'team/other', service: 'iam', operation: 'GetUser', outcome: 'throttled' })}`]:
          '0 600x30',
        [`idhub_aws_calls_total${a({ connection: 'team/other', service: 'iam', operation: 'GetUser', outcome: 'ok' })}`]:
          '0+600x30',
      },
      firing: {
        8: [],
        25: [
          {
            labels: { connection },
            summary: 'AWS refuses calls of team/aws, since there are too many.',
          },
        ],
      },
    },
  ],
  IdhubNoLeader: [
    {
      title: 'the pods wait, and nobody leads',
      series: {
        [`leader_election_master_status${a(lease)}`]: '0x10',
        [`leader_election_master_status${b(lease)}`]: '0x10',
      },
      firing: {
        1: [],
        3: [{ labels: { namespace: 'idhub-system' }, summary: noLeader }],
      },
    },
    {
      title: 'two lead',
      series: {
        [`leader_election_master_status${a(lease)}`]: '1x10',
        [`leader_election_master_status${b(lease)}`]: '1x10',
      },
      firing: { 3: [{ labels: { namespace: 'idhub-system' }, summary: noLeader }] },
    },
    {
      title: 'all pods are gone, though another installation, and another operator, have a leader',
      series: {
        [`leader_election_master_status${a(lease)}`]: '0 0 stale',
        [`leader_election_master_status${pod('c', 'team-b')(lease)}`]: '1x10',
        [`leader_election_master_status${a({ name: 'other' })}`]: '1x10',
      },
      // The time goes on from those that wait to those that are gone.
      firing: { 1: [], 2: [{ labels: { namespace: 'idhub-system' }, summary: noLeader }] },
    },
    {
      title: 'one leads, another takes over',
      series: {
        [`leader_election_master_status${a(lease)}`]: '1x4 0x10',
        [`leader_election_master_status${b(lease)}`]: '0x5 1x9',
      },
      firing: { 3: [], 5: [], 6: [], 8: [] },
    },
  ],
  IdhubRequestsRefused: [
    {
      title: 'a burst of one minute, in a part that refused nobody before',
      series: {
        [`idhub_http_requests_total${a({ mount: 'scim', code: '401' })}`]: '0 0 0 25x20',
        [`idhub_http_requests_total${b({ mount: 'reports', code: '403' })}`]: '0 0 0 5x20',
      },
      firing: { 2: [], 4: [{ summary: 'Somebody asks again and again who may not.' }], 18: [] },
    },
    {
      title: 'one who has mistyped, and those who may',
      series: {
        [`idhub_http_requests_total${a({ mount: 'scim', code: '401' })}`]: '0 0 0 3x20',
        [`idhub_http_requests_total${a({ mount: 'scim', code: '200' })}`]: '0+500x20',
      },
      firing: { 4: [], 10: [] },
    },
  ],
  IdhubShutoutsHeldBack: [
    {
      title: 'the first one; not for ever',
      series: { [`idhub_http_shutouts_held_back_total${a()}`]: '0 0 1x20' },
      firing: {
        1: [],
        3: [{ summary: 'A client disables or deletes more people at once than it may.' }],
        15: [],
      },
    },
  ],
  IdhubCertificateRefused: [
    {
      title: 'files that cannot be used, until they can',
      series: {
        [`idhub_http_certificate_refused_total${a()}`]: '0 0 6 12 12x20',
        [`idhub_http_certificate_refused_total${b()}`]: '0x20',
      },
      firing: {
        1: [],
        3: [{ summary: 'The new certificate of the HTTP port cannot be used.' }],
        12: [],
      },
    },
  ],
  IdhubCertificateExpires: [
    {
      title: 'within a week, where one of the two pods has the old one still',
      series: {
        [`idhub_http_certificate_expiry_timestamp_seconds${a()}`]: `${7 * 86_400 + 300}x20`,
        [`idhub_http_certificate_expiry_timestamp_seconds${b()}`]: `${90 * 86_400}x20`,
      },
      firing: { 4: [], 6: [{ summary: 'The certificate of the HTTP port expires within a week.' }] },
    },
    {
      title: 'without TLS there is none',
      series: { [`idhub_http_certificate_expiry_timestamp_seconds${a()}`]: '0x20' },
      firing: { 6: [] },
    },
  ],
  IdhubPushStuck: [
    {
      title: 'after half an hour',
      series: {
        [`idhub_push_pending_age_seconds${a({ connection })}`]: '0+60x40',
        [`idhub_push_pending_age_seconds${a({ connection: 'team/other' })}`]: '0x40',
      },
      firing: {
        30: [],
        31: [
          {
            labels: { connection },
            summary: 'Changes of team/aws have not reached their receiver for half an hour.',
          },
        ],
      },
    },
  ],
  IdhubPushDropped: [
    {
      title: 'when some are, for a day',
      series: {
        [`idhub_push_dropped_changes${a({ connection })}`]: '0 0 7x2000',
        [`idhub_push_dropped_changes${a({ connection: 'team/other' })}`]: '2x2000',
      },
      firing: {
        1: [],
        3: [{ labels: { connection }, summary: 'Changes of team/aws were dropped.' }],
        1450: [],
      },
    },
  ],
  IdhubLinkDown: [
    {
      title: 'after a quarter of an hour, on the replica that asks',
      series: {
        [`idhub_link_state${a({ state: 'DOWN' })}`]: '1x20',
        [`idhub_link_state${a({ state: 'UP' })}`]: '0x20',
        [`idhub_link_state${b({ state: 'DOWN' })}`]: '0x20',
      },
      firing: { 14: [], 16: [{ summary: 'The connector cannot sign in at IDHub.' }] },
    },
    {
      title: 'what is unknown is not down',
      series: {
        [`idhub_link_state${a({ state: 'DOWN' })}`]: '0x20',
        [`idhub_link_state${a({ state: 'UNKNOWN' })}`]: '1x20',
      },
      firing: { 16: [] },
    },
  ],
  IdhubOperationsStuck: [
    {
      title: 'after an hour',
      series: { [`idhub_operations_oldest_age_seconds${a()}`]: '0+60x70' },
      firing: {
        60: [],
        61: [{ summary: 'An operation that IDHub has asked for is not done after an hour.' }],
      },
    },
  ],
  IdhubAbandoned: [
    {
      title: 'the first of its kind',
      series: {
        [`idhub_abandoned_total${a({ kind: 'AwsAccount' })}`]: '0 0 1x20',
        [`idhub_abandoned_total${a({ kind: 'AwsConnection' })}`]: '0x20',
      },
      firing: {
        1: [],
        20: [
          {
            labels: { kind: 'AwsAccount' },
            summary: '1 objects of AwsAccount were let go of without touching AWS.',
          },
        ],
      },
    },
  ],
};

let promtool: string;
let rules: readonly AlertRule[];

beforeAll(async () => {
  const helm = new Helm(await ensureHelm(), { home: dir });
  promtool = await ensurePromtool();
  const values = { metrics: { prometheusRule: { enabled: true } } };
  const rendered = await helm.must(
    [
      'template',
      'idhub-aws-connector',
      chart,
      '--namespace=idhub-system',
      '--show-only=templates/monitoring.yaml',
      '--values=-',
    ],
    stringify(values),
  );
  const found = parseAllDocuments(rendered)
    .map((each) => each.toJS() as { kind: string; spec: { groups: { rules: AlertRule[] }[] } } | null)
    .find((each) => each?.kind === 'PrometheusRule');
  rules = found?.spec.groups.flatMap((group) => group.rules) ?? [];
  writeFileSync(join(dir, 'rules.yaml'), stringify(found?.spec));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(...args: readonly string[]): Promise<CommandResult> {
  return runCommand(promtool, args, { env: plainEnvironment, cwd: dir });
}

/** One case as promtool has it: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/ */
function unitTest(alertname: string, { title, series, firing }: Case): object {
  const rule = rules.find(({ alert }) => alert === alertname);
  const { labels = {}, annotations = {} } = rule ?? {};
  return {
    name: title,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: Object.entries(firing).map(([minute, alerts]) => ({
      eval_time: `${minute}m`,
      alertname,
      exp_alerts: alerts.map((alert) => ({
        exp_labels: { ...labels, ...alert.labels },
        exp_annotations: { ...annotations, summary: alert.summary },
      })),
    })),
  };
}

function judge(alertname: string, case_: Case): Promise<CommandResult> {
  const file = join(dir, 'test.yaml');
  writeFileSync(file, stringify({ rule_files: ['rules.yaml'], tests: [unitTest(alertname, case_)] }));
  return run('test', 'rules', file);
}

test('Prometheus takes the rules', async () => {
  expect(await run('check', 'rules', '--lint-fatal', 'rules.yaml')).toMatchObject({ code: 0 });
});

test('each alert is seen to fire and not to fire', () => {
  expect(Object.keys(cases)).toEqual(rules.map(({ alert }) => alert));
  for (const [alert, list] of Object.entries(cases)) {
    const moments = list.flatMap(({ firing }) => Object.values(firing));
    const quiet = moments.some((firing) => firing.length === 0);
    expect({ alert, fires: moments.some((firing) => firing.length > 0), quiet }).toEqual({
      alert,
      fires: true,
      quiet: true,
    });
  }
});

describe.each(Object.entries(cases))('%s', (alert, list) => {
  test.each(list)('$title', async (case_) => {
    expect(await judge(alert, case_)).toMatchObject({ code: 0 });
  });
});

test('promtool refuses what does not hold', async () => {
  const [breaker] = cases['IdhubBreakerOpen'] ?? [];
  expect(
    await judge('IdhubBreakerOpen', {
      ...breaker,
      title: 'x',
      series: {},
      firing: { 1: [{ summary: 'y' }] },
    }),
  ).toMatchObject({
    code: 1,
  });
});
