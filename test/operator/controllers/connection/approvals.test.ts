import { expect, test } from '@jest/globals';
import { freshBurst, readBurst, writeBurst } from '../../../../src/guard/index.ts';
import type { AwsConnection } from '../../../../operator/api/v1alpha1/index.ts';
import { Approvals } from '../../../../operator/controllers/connection/approvals.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { Client, EventNote, Informer } from '../../../../operator/runtime/index.ts';
import { FakeClock } from '../../../src/fake-clock.ts';
import { connection } from '../material.ts';

const { signal } = new AbortController();
const at = Date.UTC(2026, 0, 15);

function stage(noted: Record<string, string>, managedFields: unknown[] = []) {
  let object = connection({ metadata: { annotations: noted } });
  const events: EventNote[] = [];
  const clock = new FakeClock();
  clock.now = () => at;
  const approvals = new Approvals({
    client: {
      get: async () => ({ ...object, metadata: { ...object.metadata, managedFields } }),
      mergePatch: async (_type: unknown, _key: unknown, patch: { metadata: AwsConnection['metadata'] }) => {
        const { metadata } = object;
        object = {
          ...object,
          metadata: { ...metadata, annotations: { ...metadata.annotations, ...patch.metadata.annotations } },
        };
        return object;
      },
    } as unknown as Client,
    connections: { set: () => undefined } as unknown as Informer<AwsConnection>,
    events: { event: (_object, note) => events.push(note) },
    clock: clock as never,
  });
  return {
    events,
    see: () => approvals.see(object, signal),
    burst: () => readBurst(object.metadata.annotations?.[annotations.deletions], at),
    say: (value: string) => {
      const { metadata } = object;
      object = {
        ...object,
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, [annotations.approveDeletions]: value },
        },
      };
    },
  };
}

test('an approval is noted with its time, once, and told with who wrote it', async () => {
  const fields = [
    { manager: 'other', fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:x': {} } } } },
    {
      manager: 'kubectl-annotate',
      fieldsV1: { 'f:metadata': { 'f:annotations': { [`f:${annotations.approveDeletions}`]: {} } } },
    },
  ];
  const { see, burst, events } = stage(
    { [annotations.approveDeletions]: 'jo.doe', [annotations.deletions]: writeBurst(freshBurst(at)) },
    fields,
  );
  expect(await see()).toBe(true);
  expect(burst().approval).toEqual({ value: 'jo.doe', at });
  expect(await see()).toBe(false);
  expect(events).toEqual([
    {
      type: 'Normal',
      reason: 'DeletionApproved',
      action: 'Delete',
      message:
        'deletions of IAM users that were asked for until 2026-01-15T00:00:00Z were approved by "jo.doe" (written by kubectl-annotate)',
    },
  ]);
});

test('the burst stays as it is; words that were seen before approve nothing anew, others do', async () => {
  const before = writeBurst({
    tokens: 3,
    at: at - 1_000,
    approval: { value: 'one', at: at - 86_400_000 },
    released: ['AIDA1'],
  });
  const { see, say, burst } = stage({
    [annotations.approveDeletions]: 'one',
    [annotations.deletions]: before,
  });
  expect(await see()).toBe(false);
  say('two');
  expect(await see()).toBe(true);
  expect(burst()).toEqual({
    tokens: 3,
    at: at - 1_000,
    approval: { value: 'two', at },
    released: ['AIDA1'],
  });
});

test.each(['', '  ', 'false', 'False'])('%j approves nothing', async (value) => {
  const { see, events } = stage({ [annotations.approveDeletions]: value });
  expect(await see()).toBe(false);
  expect(events).toEqual([]);
});

test.each([
  ['spoilt', { [annotations.deletions]: '{"tok' }],
  ['lost', {}],
])(
  'words that were there before approve nothing where what was noted is %s; others do',
  async (_what, noted) => {
    const { see, say, burst, events } = stage({ [annotations.approveDeletions]: 'jo, last year', ...noted });
    expect(await see()).toBe(false);
    expect(burst().approval).toEqual({ value: 'jo, last year', at: 0 });
    expect(events).toEqual([]);
    say('jo, today');
    expect(await see()).toBe(true);
    expect(burst().approval).toEqual({ value: 'jo, today', at });
  },
);
