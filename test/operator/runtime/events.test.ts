import { describe, expect, test } from '@jest/globals';
import { Registry, type Counter } from 'prom-client';
import {
  ApiError,
  createEventRecorder,
  createLogger,
  type EventNote,
} from '../../../operator/runtime/index.ts';
import { FakeClient, thing, unreachable } from './fake-api.ts';
import { FakeClock } from './fake-clock.ts';

const note: EventNote = { type: 'Warning', reason: 'SyncFailed', message: 'it failed', action: 'Sync' };
const regarded = thing('a', { metadata: { name: 'a', namespace: 'ns', uid: 'u' } });

function setup() {
  const [client, clock, registry] = [new FakeClient(), new FakeClock(), new Registry()];
  const recorder = createEventRecorder({
    client,
    clock,
    registry,
    logger: createLogger({ level: 'error', clock, write: () => undefined }),
    reportingController: 'example.org/controller',
    reportingInstance: 'pod-1',
  });
  const dropped = async (cause: string): Promise<number> => {
    const counter = registry.getSingleMetric('event_recorder_dropped_total') as Counter;
    return (await counter.get()).values.find((one) => one.labels['cause'] === cause)?.value ?? 0;
  };
  return { client, clock, recorder, dropped, stored: () => client.store.list('events') };
}

describe('event recorder', () => {
  test('writes what events.k8s.io/v1 asks for', async () => {
    const { recorder, stored } = setup();
    recorder.event(regarded, { ...note, message: 'ä'.repeat(2_000), action: 'a'.repeat(200) });
    await recorder.idle();
    expect(stored()).toMatchObject([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: 'ns' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        type: 'Warning',
        reason: 'SyncFailed',
        action: 'a'.repeat(128),
        note: 'ä'.repeat(512),
        reportingController: 'example.org/controller',
        reportingInstance: 'pod-1',
        regarding: { kind: 'Thing', name: 'a', namespace: 'ns', uid: 'u' },
      },
    ]);
  });

  test('alike ones within ten minutes raise a count, then a new event begins', async () => {
    const { recorder, clock, stored } = setup();
    for (let index = 0; index < 5; index += 1) {
      recorder.event(regarded, note);
      await recorder.idle();
      await clock.advance(500_000);
    }
    recorder.event(regarded, { ...note, message: 'another' });
    await recorder.idle();
    expect(stored()).toHaveLength(2);
    expect(stored()[0]).toMatchObject({
      series: { count: 5, lastObservedTime: '2026-01-01T00:33:20.000000Z' },
    });
    await clock.advance(601_000);
    recorder.event(regarded, note);
    await recorder.idle();
    expect(stored()).toHaveLength(3);
  });

  test('a thousand alike at once are one event and few writes', async () => {
    const { recorder, client, stored } = setup();
    for (let index = 0; index < 1_000; index += 1) {
      recorder.event(regarded, note);
    }
    await recorder.idle();
    expect(stored()).toMatchObject([{ series: { count: 1_000 } }]);
    expect(client.calls.length).toBeLessThanOrEqual(2);
  });

  test('an event that expired on the server is made anew', async () => {
    const { recorder, client, stored } = setup();
    recorder.event(regarded, note);
    await recorder.idle();
    const [{ metadata } = regarded] = stored();
    client.store.remove('events', { namespace: 'ns', name: metadata.name });
    recorder.event(regarded, note);
    await recorder.idle();
    expect(stored()).toMatchObject([{ series: { count: 2 } }]);
  });

  test.each([403, 404])('a refusal with %d is counted and forgotten', async (code) => {
    const { recorder, client, dropped } = setup();
    client.fail = () => {
      throw new ApiError({ code, message: 'the namespace is being terminated' });
    };
    recorder.event(regarded, note);
    await recorder.idle();
    expect(client.calls).toHaveLength(1);
    expect(await dropped('refused')).toBe(1);
  });

  test('an API server that is away is tried three times; a full queue drops', async () => {
    const { recorder, client, clock, dropped } = setup();
    client.fail = unreachable;
    for (let index = 0; index < 1_200; index += 1) {
      recorder.event(thing(`t${index}`), note);
    }
    expect(await dropped('full')).toBeGreaterThanOrEqual(199);
    await clock.advance(3_100);
    expect(client.calls.length).toBeGreaterThanOrEqual(3);
    expect(client.calls.length).toBeLessThanOrEqual(6);
    expect(await dropped('failed')).toBeGreaterThanOrEqual(1);
  });

  test('writes no more than 10 a second after a burst of 100', async () => {
    const { recorder, client, clock } = setup();
    for (let index = 0; index < 200; index += 1) {
      recorder.event(thing(`t${index}`), note);
    }
    await clock.advance(5_000);
    expect(client.calls.length).toBeGreaterThanOrEqual(145);
    expect(client.calls.length).toBeLessThanOrEqual(152);
  });
});
