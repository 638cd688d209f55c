import { expect, test } from '@jest/globals';
import { apiServerWrites, growth, parseMetrics, sumOf } from '../../bench/metrics.ts';

const text = `# HELP apiserver_request_total Counter of apiserver requests
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",group="aws.idhub.io",resource="awsaccounts",scope="resource",subresource="",verb="PATCH"} 5
apiserver_request_total{code="409",group="aws.idhub.io",resource="awsaccounts",scope="resource",subresource="",verb="PATCH"} 2
apiserver_request_total{code="200",group="aws.idhub.io",resource="awsaccounts",scope="resource",subresource="status",verb="APPLY"} 7
apiserver_request_total{code="0",group="aws.idhub.io",resource="awsaccounts",scope="cluster",subresource="",verb="WATCH"} 3
apiserver_request_total{code="201",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST"} 9
apiserver_request_total{code="200",group="",resource="secrets",scope="resource",subresource="",verb="PATCH"} 1
apiserver_request_total{code="200",group="",resource="configmaps",scope="resource",subresource="",verb="PUT"} 4
workqueue_depth{name="a",priority="0"} 2
workqueue_depth{name="a",priority="-100"} 3
odd{text="with \\"quotes\\", commas, and } braces"} 1.5e3
plain 0.25
`;

test('samples have their name, labels and value', () => {
  const samples = parseMetrics(text);
  expect(samples).toContainEqual({ name: 'plain', labels: {}, value: 0.25 });
  expect(samples.find(({ name }) => name === 'odd')).toEqual({
    name: 'odd',
    labels: { text: String.raw`with \"quotes\", commas, and } braces` },
    value: 1_500,
  });
  expect(samples).toHaveLength(11);
});

test('sums go over all labels that are not asked for', () => {
  const samples = parseMetrics(text);
  expect(sumOf(samples, 'workqueue_depth', { name: 'a' })).toBe(5);
  expect(sumOf(samples, 'workqueue_depth', { name: 'b' })).toBe(0);
});

test('writes are those of the own kinds and of Secrets, refused ones too, and no events', () => {
  expect(apiServerWrites(parseMetrics(text))).toEqual(
    new Map([
      ['PATCH awsaccounts', 7],
      ['APPLY awsaccounts/status', 7],
      ['PATCH secrets', 1],
    ]),
  );
});

test('growth is what was counted in between', () => {
  const before = new Map([
    ['PATCH awsaccounts', 7],
    ['PATCH secrets', 1],
  ]);
  const after = new Map([
    ['PATCH awsaccounts', 10],
    ['PATCH secrets', 1],
    ['APPLY awsaccounts/status', 2],
  ]);
  expect(growth(before, after)).toEqual(
    new Map([
      ['PATCH awsaccounts', 3],
      ['APPLY awsaccounts/status', 2],
    ]),
  );
});
