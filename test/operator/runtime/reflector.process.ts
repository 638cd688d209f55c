import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { Cache } from '../../../operator/runtime/cache.ts';
import { createClient, createLogger, systemClock, type Client } from '../../../operator/runtime/index.ts';
import { Reflector } from '../../../operator/runtime/reflector.ts';
import { eventually } from '../../support/process.ts';
import { thing, things, type Thing } from './fake-api.ts';
import { FakeServer, TcpProxy, json, kubeconfigFor, refuse, type SeenRequest } from './fake-server.ts';
import { fastClock } from './fast-clock.ts';

jest.setTimeout(60_000);

/** Everything but the network runs this much faster, so that minutes of back-off take seconds. */
const factor = 40;

interface World {
  readonly server: FakeServer;
  readonly proxy: TcpProxy;
  readonly cache: Cache<Thing>;
  readonly changes: string[];
  readonly stop: AbortController;
  readonly running: Promise<void>;
  readonly errors: () => number;
  readonly close: () => Promise<void>;
}

let world: World;

async function setup(): Promise<World> {
  const server = new FakeServer();
  const proxy = new TcpProxy(await server.start());
  const kubeconfig = await kubeconfigFor(await proxy.start());
  const clock = fastClock(factor);
  const logger = createLogger({ level: 'error', clock: systemClock, write: () => undefined });
  const client: Client & { close(): void } = createClient({
    kubeconfig: kubeconfig.path,
    clock,
    logger,
    registry: new Registry(),
  });
  let errors = 0;
  const cache = new Cache<Thing>({ type: things, logger, onHandlerError: () => void (errors += 1) });
  const changes: string[] = [];
  cache.subscribe((before, after) => {
    const what = before === undefined ? '+' : after === undefined ? '-' : '~';
    changes.push(`${what}${(after ?? before)?.metadata.name}`);
  });
  const stop = new AbortController();
  const reflector = new Reflector<Thing>({
    client,
    type: things,
    namespace: '',
    cache,
    clock,
    random: Math.random,
    logger,
    onListed: () => cache.synced(),
  });
  const running = reflector.run(stop.signal);
  return {
    server,
    proxy,
    cache,
    changes,
    stop,
    running,
    errors: () => errors,
    close: async () => {
      stop.abort();
      await running;
      client.close();
      await proxy.stop();
      await server.stop();
      await kubeconfig.remove();
    },
  };
}

const isWatch = (request: SeenRequest): boolean => request.query.has('watch');
const watching = (): Promise<true> =>
  eventually(() => world.server.watches.size === 1 || undefined, { withinMs: 20_000, what: 'a watch' });
const knows = (...names: string[]): Promise<true> =>
  eventually(
    () => {
      const known = world.cache.list().map((one) => one.metadata.name);
      return JSON.stringify(known.toSorted()) === JSON.stringify(names.toSorted()) || undefined;
    },
    { withinMs: 20_000, what: `the cache to hold ${names.join(', ')}` },
  );
/** Does something that ends the running watch, and waits until it ended. */
const endsWatch = async (act: () => void): Promise<void> => {
  const [old] = world.server.watches;
  act();
  await eventually(() => old?.destroyed === true || undefined, { what: 'the watch to end' });
};
const create = (name: string): void => void world.server.store.create('things', thing(name));
const remove = (name: string): void => world.server.store.remove('things', { namespace: 'default', name });
const requestsSince = (count: number): SeenRequest[] => world.server.requests.slice(count);

beforeEach(async () => {
  world = await setup();
});

afterEach(async () => {
  await world.close();
  expect(world.server.mostWatches).toBeLessThanOrEqual(1);
});

describe('reflector against a server', () => {
  test('lists pages of 500, then watches with bookmarks and an end between 5 and 10 minutes', async () => {
    await watching();
    await knows();
    for (let index = 0; index < 1_200; index += 1) {
      create(`t${index}`);
    }
    await eventually(() => world.cache.list().length === 1_200 || undefined);
    const [, watch] = world.server.requests;
    expect(watch?.query.get('allowWatchBookmarks')).toBe('true');
    expect(watch?.query.get('resourceVersion')).toBe('100');
    expect(Number(watch?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(Number(watch?.query.get('timeoutSeconds'))).toBeLessThan(600);
    world.server.store.compacted = world.server.store.version + 1;
    await endsWatch(() => world.server.endWatches());
    await eventually(() => world.server.requests.filter((one) => !isWatch(one)).length >= 4 || undefined);
    const lists = world.server.requests.filter((one) => !isWatch(one)).slice(1);
    expect(lists.map((one) => [one.query.get('limit'), one.query.get('continue')])).toEqual([
      ['500', null],
      ['500', '500'],
      ['500', '1000'],
    ]);
    expect(lists.every((one) => !one.query.has('resourceVersion'))).toBe(true);
    expect(world.cache.list()).toHaveLength(1_200);
  });

  test('goes on from the last bookmark when the server ends the watch, without a list', async () => {
    await watching();
    world.server.store.version = 5_000;
    world.server.bookmark();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    const count = world.server.requests.length;
    world.server.endWatches();
    await eventually(() => world.server.requests.length > count || undefined);
    await watching();
    expect(requestsSince(count).map((one) => [isWatch(one), one.query.get('resourceVersion')])).toEqual([
      [true, '5000'],
    ]);
  });

  test('503 for a minute: few requests, then it recovers', async () => {
    await watching();
    create('a');
    await knows('a');
    world.server.behaviour = (_request, response) => {
      refuse(response, { code: 503, reason: 'ServiceUnavailable', message: 'not now' });
      return 'answered';
    };
    const count = world.server.requests.length;
    world.proxy.reset();
    create('b');
    remove('a');
    await new Promise((resolve) => {
      setTimeout(resolve, 60_000 / factor);
    });
    expect(requestsSince(count).length).toBeGreaterThanOrEqual(3);
    expect(requestsSince(count).length).toBeLessThanOrEqual(12);
    world.server.behaviour = () => 'pass';
    await knows('b');
    expect(world.changes).toEqual(['+a', '+b', '-a']);
  });

  test.each(['status', 'event'])('410 as %s: a fresh list, which tells of deletions', async (kind) => {
    await watching();
    for (const name of ['a', 'b', 'c']) {
      create(name);
    }
    await knows('a', 'b', 'c');
    let expired = 1;
    world.server.behaviour = (request, response) => {
      if (!isWatch(request) || expired === 0) {
        return 'pass';
      }
      expired -= 1;
      const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
      if (kind === 'status') {
        json(response, 410, status);
      } else {
        response.writeHead(200).end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      }
      return 'answered';
    };
    const count = world.server.requests.length;
    await endsWatch(() => world.proxy.reset());
    remove('a');
    remove('b');
    create('d');
    await knows('c', 'd');
    expect(world.changes).toEqual(['+a', '+b', '+c', '+d', '-a', '-b']);
    expect(requestsSince(count).filter((one) => !isWatch(one))).toHaveLength(1);
  });

  test('410 for ever: no more than a request a second on average', async () => {
    await watching();
    world.server.behaviour = (request, response) => {
      if (!isWatch(request)) {
        return 'pass';
      }
      refuse(response, { code: 410, reason: 'Expired', message: 'too old' });
      return 'answered';
    };
    const count = world.server.requests.length;
    world.proxy.reset();
    await new Promise((resolve) => {
      setTimeout(resolve, 120_000 / factor);
    });
    expect(requestsSince(count).length).toBeLessThanOrEqual(24);
  });

  test('ten resets: every change arrives once, without a list', async () => {
    await watching();
    const count = world.server.requests.length;
    const from = performance.now();
    const names: string[] = [];
    for (let index = 0; index < 10; index += 1) {
      await endsWatch(() => world.proxy.reset());
      create(`t${index}`);
      names.push(`t${index}`);
      await watching();
    }
    await knows(...names);
    const seconds = ((performance.now() - from) / 1000) * factor;
    expect(world.changes).toEqual(names.map((name) => `+${name}`));
    expect(requestsSince(count).every(isWatch)).toBe(true);
    expect(requestsSince(count).length).toBeLessThanOrEqual(seconds);
  });

  test('a peer that goes silent is noticed, and left', async () => {
    await watching();
    world.proxy.swallow = true;
    const from = performance.now();
    const [old] = world.server.watches;
    create('a');
    await eventually(() => old?.destroyed === true || undefined, { withinMs: 200_000 / factor });
    expect((performance.now() - from) * factor).toBeGreaterThan(100_000);
    expect(world.changes).toEqual([]);
    world.proxy.swallow = false;
    await knows('a');
  });

  test('500 and 429 on the watch, a page of a proxy, a line that is no JSON: all are survived', async () => {
    await watching();
    const answers = [
      [500, '{"kind":"Status","code":500,"reason":"InternalError","message":"etcd"}'],
      [429, '{"kind":"Status","code":429,"reason":"TooManyRequests","message":"slow"}'],
      [502, '<html>bad gateway</html>'],
      [200, '{"type":"ADDED","object":{"kind":"Thi\n'],
      [200, '{"type":"NEWS","object":{}}\n'],
      [200, 'null\n'],
      [200, ''],
    ] as const;
    let next = 0;
    world.server.behaviour = (request, response) => {
      const answer = isWatch(request) ? answers[next++] : undefined;
      if (answer === undefined) {
        return 'pass';
      }
      response.writeHead(answer[0]).end(answer[1]);
      return 'answered';
    };
    world.proxy.reset();
    create('a');
    await eventually(() => next > answers.length || undefined, { withinMs: 20_000 });
    create('b');
    await knows('a', 'b');
  });

  test('half a line at the end of the stream is dropped, and comes whole with the next', async () => {
    await watching();
    create('a');
    await knows('a');
    const half = '{"type":"ADDED","object":{"kind":"Thing","metadata":{"name":"ghost","res';
    await endsWatch(() => world.server.endWatches(half));
    create('b');
    await knows('a', 'b');
    expect(world.changes).toEqual(['+a', '+b']);
  });

  test('lines that come in pieces, cut inside a character', async () => {
    await watching();
    const [response] = world.server.watches;
    const object = {
      ...thing('ä'),
      metadata: { name: 'ä€😀', namespace: 'default', resourceVersion: '900' },
    };
    for (const byte of Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`)) {
      response?.write(Buffer.of(byte));
    }
    await knows('ä€😀');
  });

  test('a watch that never ends is ended after its time', async () => {
    await watching();
    const [watch] = world.server.watches;
    const from = performance.now();
    const bookmarks = setInterval(() => world.server.bookmark(), 30_000 / factor);
    await eventually(() => watch?.destroyed === true || undefined, { withinMs: 700_000 / factor });
    clearInterval(bookmarks);
    expect((performance.now() - from) * factor).toBeGreaterThan(300_000);
    await watching();
  });

  test('an exception in a handler stops neither the others nor the watch', async () => {
    world.cache.subscribe(() => {
      throw new Error('a bug');
    });
    const later: string[] = [];
    world.cache.subscribe((_before, after) => later.push(after?.metadata.name ?? ''));
    await watching();
    create('a');
    create('b');
    await knows('a', 'b');
    expect(later).toEqual(['a', 'b']);
    expect(world.errors()).toBe(2);
    expect(world.server.watches.size).toBe(1);
  });

  test('a stop during the list opens no watch', async () => {
    await watching();
    let release = (): void => undefined;
    world.server.behaviour = (request, response) => {
      if (isWatch(request)) {
        refuse(response, { code: 410, reason: 'Expired', message: 'too old' });
      } else {
        release = () => json(response, 200, { metadata: { resourceVersion: '999' }, items: [] });
      }
      return 'answered';
    };
    const initial = release;
    world.proxy.reset();
    await eventually(() => release !== initial || undefined, { withinMs: 20_000 });
    const count = world.server.requests.length;
    world.stop.abort();
    await world.running;
    release();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(world.server.requests).toHaveLength(count);
    expect(world.server.watches.size).toBe(0);
  });
});
