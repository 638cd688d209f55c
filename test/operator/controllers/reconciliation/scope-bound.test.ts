import { describe, expect, test } from '@jest/globals';
import type { AwsConnection } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations, type Secret } from '../../../../operator/controllers/names.ts';
import { writeStopped } from '../../../../operator/controllers/breaker.ts';
import { BaselineSecrets } from '../../../../operator/controllers/reconciliation/baseline-store.ts';
import { ScopeBound } from '../../../../operator/controllers/reconciliation/scope-bound.ts';
import { knownScopes, maxScopes } from '../../../../operator/controllers/reconciliation/scopes.ts';
import { createLogger, type Informer, type ObjectKey } from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { connection } from '../material.ts';

const key: ObjectKey = { namespace: 'ns', name: 'main' };
const { signal } = new AbortController();

/** A connection, and the runs with filters that are done with it. */
class Desk {
  readonly client = new FakeClient();
  readonly logged: string[] = [];
  readonly baselines = new BaselineSecrets({ client: this.client });
  bound!: ScopeBound;

  constructor(spec: Partial<AwsConnection['spec']> = {}) {
    this.client.store.create('awsconnections', connection({ spec }));
    this.restart();
  }

  restart(): void {
    this.client.fail = () => undefined;
    this.bound = new ScopeBound({
      client: this.client,
      baselines: this.baselines,
      connections: { get: () => this.object(), set: () => undefined } as unknown as Informer<AwsConnection>,
      logger: createLogger({
        level: 'warn',
        clock: { now: () => 0 },
        write: (line) => this.logged.push(line),
      }),
    });
  }

  object(): AwsConnection {
    return this.client.store.get('awsconnections', key) as AwsConnection;
  }

  /** What the engine does when a run is committed. */
  async run(filter: string | undefined, scheduled?: string): Promise<readonly string[]> {
    const scope = scopeOf(filter);
    await this.bound.use(key, scope, filter, signal);
    const before = await this.baselines.load(this.object(), scope, signal);
    const parts = [Buffer.from(`rows of ${scope}`), Buffer.from(`more of ${scope} ${before?.meta}`)];
    await this.baselines.commit(this.object(), scope, before, { meta: 'm', parts }, signal);
    return this.bound.trim(key, scheduled, signal);
  }

  /** The scopes of which something is there, by what the Secrets say of themselves. */
  stored(): readonly string[] {
    const marks = this.client.store
      .list('secrets')
      .map((secret) => (secret as Secret).metadata.annotations?.[annotations.secretOwner] ?? '');
    return [...new Set(marks)].map((mark) => mark.replace('baseline ns/main ', '')).sort();
  }
}

function scopeOf(filter: string | undefined): string {
  return filter === undefined ? 'default' : `filter ${filter}`;
}

function filters(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `f${String(from + index).padStart(2, '0')}`);
}

const all = ['default', ...filters(1, maxScopes).map(scopeOf)];

async function full(spec: Partial<AwsConnection['spec']> = {}): Promise<Desk> {
  const desk = new Desk(spec);
  await desk.run(undefined);
  for (const filter of filters(1, maxScopes)) {
    expect(await desk.run(filter)).toEqual([]);
  }
  expect(desk.stored()).toEqual(all);
  return desk;
}

describe('what is remembered of filters is bounded', () => {
  test('the longest unused goes with everything of it, all users stay', async () => {
    const desk = await full();
    await desk.run('f01');
    expect(await desk.run('f21')).toEqual(['f02']);
    expect(desk.stored()).toEqual([...all.filter((scope) => scope !== 'filter f02'), 'filter f21']);
    expect(knownScopes(desk.object().metadata).map(({ filter }) => filter)).toEqual([
      ...filters(3, maxScopes),
      'f01',
      'f21',
    ]);
    // It comes back as one of which nothing is known.
    expect(await desk.baselines.load(desk.object(), 'filter f02', signal)).toBeUndefined();
    expect(await desk.run('f02')).toEqual(['f03']);
  });

  test('a run of a filter that was used last costs no write of the connection', async () => {
    const desk = await full();
    desk.client.calls.length = 0;
    await desk.run('f20');
    expect(desk.client.calls.filter((call) => call.includes('awsconnections'))).toEqual([]);
  });

  test('what the schedule names stays, by its scope and by its text', async () => {
    const desk = await full({ reconciliation: { schedule: '@daily', filter: ' f01 ' } });
    expect(await desk.run('f21', 'filter f02')).toEqual([]);
    expect(await desk.run('f22', 'filter f02')).toEqual([]);
    expect(await desk.run('f23', 'filter f02')).toEqual(['f03']);
  });

  test('of which the breaker has stopped deletions stays: a run that knew nobody would close it', async () => {
    const desk = await full();
    const stop = { scope: 'filter f01', resources: ['Account'], run: 'ns/one', since: 0, deletions: 40 };
    await desk.client.mergePatch({ plural: 'awsconnections' } as never, key, {
      metadata: { annotations: { [annotations.breaker]: writeStopped([stop]) } },
    });
    expect(await desk.run('f21')).toEqual([]);
    expect(await desk.run('f22')).toEqual(['f02']);
    expect(desk.stored()).toContain('filter f01');
  });

  test('that a run is at work on stays until it has ended', async () => {
    const desk = await full();
    await desk.bound.during(key, 'filter f01', async () => {
      expect(await desk.run('f21')).toEqual([]);
    });
    expect(await desk.run('f22')).toEqual(['f01', 'f02']);
  });

  test('that cannot be read is left for a person, and the next one goes', async () => {
    const desk = await full();
    const [head] = desk.client.store
      .list('secrets')
      .filter((secret) =>
        (secret as Secret).metadata.annotations?.[annotations.secretOwner]?.endsWith(' f01'),
      )
      .sort((one, other) => one.metadata.name.length - other.metadata.name.length);
    await desk.client.mergePatch(
      { plural: 'secrets' } as never,
      { namespace: 'ns', name: head?.metadata.name ?? '' },
      { data: { content: 'eA==' } },
    );
    expect(await desk.run('f21')).toEqual([]);
    expect(desk.logged.join()).toContain('could not be forgotten');
    expect(await desk.run('f22')).toEqual(['f02']);
    expect(desk.stored()).toContain('filter f01');
  });

  test('killed after any call: each run of another filter brings it back within the bound, and nothing is lost sight of', async () => {
    let ended = false;
    for (let calls = 0; !ended; calls += 1) {
      const desk = await full();
      desk.client.dieAfter(calls);
      ended = await desk.run('f21').then(
        () => true,
        () => false,
      );
      desk.restart();
      const known = new Set(['default', ...knownScopes(desk.object().metadata).map(({ scope }) => scope)]);
      expect(desk.stored().filter((scope) => !known.has(scope))).toEqual([]);
      await desk.run('f22');
      await desk.run('f23');
      // A filter that was noted and not committed takes a place until it is the longest unused.
      expect(desk.stored().length).toBeGreaterThanOrEqual(maxScopes);
      expect(desk.stored().length).toBeLessThanOrEqual(maxScopes + 1);
      expect(desk.stored()).toEqual(expect.arrayContaining(['default', 'filter f22', 'filter f23']));
      expect(calls).toBeLessThan(40);
    }
  });

  test('a spoilt note is none: nothing is forgotten for it', async () => {
    const desk = await full();
    await desk.client.mergePatch({ plural: 'awsconnections' } as never, key, {
      metadata: { annotations: { [annotations.scopes]: '[{"scope":1}]' } },
    });
    expect(await desk.run('f21')).toEqual([]);
    expect(desk.stored()).toEqual([...all, 'filter f21']);
  });
});
