import { describe, expect, test } from '@jest/globals';
import { ReconnectPolicy } from '../../../operator/runtime/backoff.ts';
import { ApiError } from '../../../operator/runtime/index.ts';
import { FakeClient, thing, unreachable } from './fake-api.ts';
import { FakeClock } from './fake-clock.ts';
import { nothing, start, type World } from './world.ts';

describe('after an outage', () => {
  /** The API server is gone for two minutes, so that waits have grown to half a minute and more. */
  async function outage(): Promise<World> {
    const client = new FakeClient();
    const world = start(nothing, { client });
    await world.clock.advance(1_000);
    client.fail = unreachable;
    client.reachable = false;
    client.endWatches();
    await world.clock.advance(120_000);
    client.calls.length = 0;
    return world;
  }

  test('it is looked anew as soon as the API server answers others, though its kinds are not served at once', async () => {
    const { client, clock, seen, stop, ended } = await outage();
    client.reachable = true;
    client.store.create('things', thing('a'));
    client.fail = () => {
      throw new ApiError({ code: 404, reason: 'NotFound', message: 'not served yet' });
    };
    await clock.advance(3_000);
    expect(client.calls.length).toBeGreaterThan(0);
    expect(seen).toEqual([]);
    client.fail = () => undefined;
    await clock.advance(5_000);
    expect(seen).toEqual(['default/a']);
    stop.abort();
    await ended;
  });

  test('a server that answers others and never this does not have it asked all the time', async () => {
    const { client, clock, stop, ended } = await outage();
    for (let turn = 0; turn < 120; turn += 1) {
      client.reachable = turn % 3 > 0;
      await clock.advance(500);
    }
    expect(client.calls.length).toBeGreaterThan(2);
    expect(client.calls.length).toBeLessThan(10);
    stop.abort();
    await ended;
  });

  test('what the server itself asked for is waited', async () => {
    const client = new FakeClient();
    client.fail = () => {
      throw new ApiError({ code: 503, message: 'later', retryAfterMs: 20_000 });
    };
    client.reachable = false;
    const { clock, seen, stop, ended } = start(nothing, { client });
    client.store.create('things', thing('a'));
    await clock.advance(1_000);
    client.fail = () => undefined;
    client.reachable = true;
    await clock.advance(15_000);
    expect(seen).toEqual([]);
    await clock.advance(5_000);
    expect(seen).toEqual(['default/a']);
    stop.abort();
    await ended;
  });
});

test('delays begin anew when told, once a minute at most', async () => {
  const clock = new FakeClock();
  const policy = new ReconnectPolicy({ clock, random: () => 0 });
  const grown = (): number[] => [policy.next(), policy.next(), policy.next()];
  expect(grown()).toEqual([800, 1_600, 3_200]);
  expect(policy.restart()).toBe(true);
  expect(grown()).toEqual([800, 1_600, 3_200]);
  await clock.advance(59_000);
  expect(policy.restart()).toBe(false);
  expect(policy.next()).toBe(6_400);
  await clock.advance(1_000);
  expect(policy.restart()).toBe(true);
  expect(policy.next()).toBe(800);
});
