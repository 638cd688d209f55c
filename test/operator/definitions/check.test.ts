import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { DefinitionsCheck, neededDefinitions } from '../../../operator/definitions/index.ts';
import {
  ApiError,
  createLogger,
  TransportError,
  type OpenApiDocument,
} from '../../../operator/runtime/index.ts';
import { FakeClient } from '../runtime/fake-api.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';

const { group, version } = neededDefinitions;
const accounts = 'awsaccounts.aws.idhub.io';

/** All kinds as any value at all, but for those that are left out; of accounts only the given parts. */
function document({ without = [] as string[], accountsLack = '' } = {}): OpenApiDocument {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;
  const kinds = neededDefinitions.kinds.filter(({ crd }) => !without.includes(crd));
  return {
    paths: Object.fromEntries(
      kinds.map(({ plural }) => [
        `/apis/${group}/${version}/namespaces/{namespace}/${plural}/{name}/status`,
        {},
      ]),
    ),
    components: {
      schemas: Object.fromEntries(
        kinds.map(({ crd, kind }) => [
          kind,
          {
            properties:
              crd === accounts && accountsLack !== ''
                ? { [accountsLack === 'status' ? 'spec' : 'status']: open }
                : { spec: open, status: open },
            'x-kubernetes-group-version-kind': [{ group, version, kind }],
          },
        ]),
      ),
    },
  };
}

class Desk {
  readonly clock = new FakeClock();
  readonly client = new FakeClient();
  readonly registry = new Registry();
  readonly lines: { level: string; msg: string; fault?: string }[] = [];
  readonly stop = new AbortController();
  readonly check = new DefinitionsCheck({
    needed: neededDefinitions,
    client: this.client,
    clock: this.clock,
    random: () => 0.5,
    registry: this.registry,
    logger: createLogger({
      level: 'info',
      clock: this.clock,
      write: (line) => this.lines.push(JSON.parse(line) as Desk['lines'][number]),
    }),
  });
  ended = false;
  #etags = 0;

  serves(served: OpenApiDocument | undefined): void {
    this.client.published = served && { document: served, etag: String((this.#etags += 1)) };
  }

  get looks(): number {
    return this.client.calls.length;
  }

  async start(): Promise<void> {
    void this.check.untilServed(this.stop.signal).then(
      () => (this.ended = true),
      () => undefined,
    );
    await settle();
  }

  async outdated(): Promise<boolean> {
    await settle();
    return this.check.outdated.aborted;
  }

  async gauge(crd = accounts): Promise<number | undefined> {
    const { values } = (await this.registry.getSingleMetric('idhub_crd_outdated')?.get()) ?? { values: [] };
    return values.find(({ labels }) => labels['crd'] === crd)?.value;
  }
}

test('served as needed: one look, no word', async () => {
  const desk = new Desk();
  desk.serves(document());
  await desk.start();
  expect(desk.ended).toBe(true);
  expect(desk.looks).toBe(1);
  expect(desk.lines).toEqual([]);
  expect(desk.check.fault).toBeUndefined();
  expect(await desk.gauge()).toBe(0);
});

test('outdated: said once, looked at again after 2, 4, 8, 16, 30, 30 s; goes on once it is right, and not at once', async () => {
  const desk = new Desk();
  desk.serves(document({ accountsLack: 'status' }));
  await desk.start();
  expect(desk.check.fault).toMatch(/^CRD out of date: awsaccounts\.aws\.idhub\.io lacks status; apply /);
  expect(await desk.gauge()).toBe(1);
  expect(await desk.gauge('awsconnections.aws.idhub.io')).toBe(0);
  for (const [seconds, looks] of [
    [1, 1],
    [1, 2],
    [4, 3],
    [8, 4],
    [16, 5],
    [30, 6],
    [30, 7],
  ] as const) {
    await desk.clock.advance(seconds * 1_000);
    expect(desk.looks).toBe(looks);
  }
  expect(desk.lines.map(({ level, fault }) => [level, fault])).toEqual([['error', desk.check.fault]]);
  desk.serves(document());
  await desk.clock.advance(30_000);
  expect(desk.looks).toBe(8);
  expect(desk.ended).toBe(false);
  expect(desk.check.fault).toBeUndefined();
  await desk.clock.advance(2_000);
  expect(desk.ended).toBe(true);
  expect(await desk.gauge()).toBe(0);
  expect(desk.lines.map(({ level }) => level)).toEqual(['error', 'info']);
});

test('another fault than before is said too, and looked at soon', async () => {
  const desk = new Desk();
  desk.serves(undefined);
  await desk.start();
  expect(desk.check.fault).toMatch(/^CRDs not installed: aws\.idhub\.io\/v1alpha1 is not served; /);
  expect(await desk.gauge()).toBe(1);
  await desk.clock.advance(30_000);
  desk.serves(document({ without: [accounts] }));
  await desk.clock.advance(30_000);
  expect(desk.check.fault).toMatch(
    /^CRD out of date: awsaccounts\.aws\.idhub\.io is not served in v1alpha1; /,
  );
  expect(await desk.gauge('awsconnections.aws.idhub.io')).toBe(0);
  expect(desk.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  desk.serves(document());
  await desk.clock.advance(2_000);
  expect(desk.check.fault).toBeUndefined();
});

test('taken back while other API servers catch up: not gone on', async () => {
  const desk = new Desk();
  desk.serves(undefined);
  await desk.start();
  desk.serves(document());
  await desk.clock.advance(2_000);
  expect(desk.check.fault).toBeUndefined();
  desk.serves(document({ accountsLack: 'spec' }));
  await desk.clock.advance(2_000);
  expect(desk.ended).toBe(false);
  expect(desk.check.fault).toContain('lacks spec');
});

test.each([
  ['no answer', new TransportError('refused'), 'warn'],
  ['no right to read it', new ApiError({ code: 403, reason: 'Forbidden', message: 'no' }), 'error'],
])('%s: waits, says nothing of CRDs', async (_name, error, level) => {
  const desk = new Desk();
  desk.serves(document());
  desk.client.fail = () => {
    throw error;
  };
  await desk.start();
  expect(desk.ended).toBe(false);
  expect(desk.check.fault).toBeUndefined();
  expect(desk.lines.map((line) => line.level)).toEqual([level]);
  expect(await desk.gauge()).toBeUndefined();
  desk.client.fail = () => undefined;
  await desk.clock.advance(1_000);
  expect(desk.ended).toBe(true);
});

test('the end of the process ends the waiting', async () => {
  const desk = new Desk();
  const reason = new Error('stopped by SIGTERM');
  const waiting = desk.check.untilServed(desk.stop.signal);
  await settle();
  desk.stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

/** As after the start, when all was right. */
async function working(): Promise<Desk> {
  const desk = new Desk();
  desk.serves(document());
  await desk.start();
  void desk.check.watch(desk.stop.signal);
  await settle();
  return desk;
}

test('watches that end together are admitted by one look', async () => {
  const desk = await working();
  await desk.check.admit(desk.stop.signal);
  expect(desk.looks).toBe(1);
  await desk.clock.advance(5_000);
  await Promise.all([1, 2, 3].map(() => desk.check.admit(desk.stop.signal)));
  await desk.clock.advance(400);
  await desk.check.admit(desk.stop.signal);
  expect(desk.looks).toBe(2);
  await desk.clock.advance(100);
  await desk.check.admit(desk.stop.signal);
  expect(desk.looks).toBe(3);
});

test('outdated while it works: nobody is admitted, the end is told', async () => {
  const desk = await working();
  desk.serves(document({ accountsLack: 'spec' }));
  await desk.clock.advance(1_000);
  expect(await desk.outdated()).toBe(false);
  await expect(desk.check.admit(desk.stop.signal)).rejects.toThrow('a CRD is out of date');
  expect(await desk.outdated()).toBe(true);
  expect(desk.check.fault).toContain('lacks spec');
  expect(await desk.gauge()).toBe(1);
  expect(desk.lines.map(({ level }) => level)).toEqual(['error']);
  await expect(desk.check.admit(desk.stop.signal)).rejects.toThrow('a CRD is out of date');
});

test('outdated, and no watch ends: seen within a minute', async () => {
  const desk = await working();
  desk.serves(document({ accountsLack: 'status' }));
  await desk.clock.advance(59_000);
  expect(await desk.outdated()).toBe(false);
  await desk.clock.advance(1_000);
  expect(await desk.outdated()).toBe(true);
});

test('not served any more: told when it is seen twice, others are admitted, and it does not end', async () => {
  const desk = await working();
  desk.serves(document({ without: [accounts] }));
  await desk.clock.advance(60_000);
  expect(desk.check.fault).toBeUndefined();
  await desk.clock.advance(2_000);
  expect(desk.check.fault).toContain('is not served');
  expect(await desk.gauge()).toBe(1);
  await desk.check.admit(desk.stop.signal);
  expect(await desk.outdated()).toBe(false);
  desk.serves(document());
  await desk.clock.advance(2_000);
  expect(desk.check.fault).toBeUndefined();
  expect(await desk.gauge()).toBe(0);
});

test('a moment without a document, as of an API server that has just started, is not told', async () => {
  const desk = await working();
  desk.serves(undefined);
  await desk.clock.advance(60_000);
  desk.serves(document());
  await desk.clock.advance(70_000);
  expect(desk.lines).toEqual([]);
  expect(await desk.gauge()).toBe(0);
});

test('what cannot be looked at is not admitted, and the next look counts', async () => {
  const desk = await working();
  desk.client.fail = () => {
    throw new TransportError('reset');
  };
  await desk.clock.advance(61_000);
  await expect(desk.check.admit(desk.stop.signal)).rejects.toThrow('reset');
  desk.client.fail = () => undefined;
  await desk.check.admit(desk.stop.signal);
  expect(desk.check.fault).toBeUndefined();
  expect(await desk.outdated()).toBe(false);
});

test('a kind that is gone is told with the second watch that wants to go on', async () => {
  const desk = await working();
  desk.serves(document({ without: [accounts] }));
  await desk.clock.advance(1_000);
  await desk.check.admit(desk.stop.signal);
  await desk.check.admit(desk.stop.signal);
  expect(desk.check.fault).toBeUndefined();
  await desk.clock.advance(1_000);
  await desk.check.admit(desk.stop.signal);
  expect(desk.check.fault).toContain('is not served');
});

test('where the API server refuses twice to say what it serves, nobody is admitted, and that is said until it does', async () => {
  const desk = await working();
  const refuse = (code: number): void => {
    desk.client.fail = () => {
      throw new ApiError({ code, message: 'no' });
    };
  };
  const admit = (): Promise<void> => desk.check.admit(desk.stop.signal);
  refuse(403);
  await desk.clock.advance(1_000);
  await expect(admit()).rejects.toThrow('no');
  expect(desk.check.fault).toBeUndefined();
  await expect(admit()).rejects.toThrow('no');
  expect(desk.check.fault).toBe(
    'the API server does not say which CRDs it serves: it answers 403 to /openapi/v3/apis/aws.idhub.io/v1alpha1; ' +
      'give the operator get on this nonResourceURL',
  );
  refuse(500);
  await expect(admit()).rejects.toThrow('no');
  expect(desk.check.fault).toMatch(/: it answers 500 to \S+$/);
  refuse(429);
  await expect(admit()).rejects.toThrow('no');
  expect(desk.check.fault).toBeUndefined();
  refuse(403);
  await expect(admit()).rejects.toThrow('no');
  await expect(admit()).rejects.toThrow('no');
  desk.client.fail = () => undefined;
  await admit();
  expect(desk.check.fault).toBeUndefined();
  expect(await desk.outdated()).toBe(false);
});

test('a look that was begun long before a watch ended does not admit it', async () => {
  const desk = await working();
  const before = desk.looks;
  const slow = Promise.withResolvers<void>();
  await desk.clock.advance(1_000);
  desk.client.fail = () => slow.promise;
  const first = desk.check.admit(desk.stop.signal);
  await desk.clock.advance(600);
  const second = desk.check.admit(desk.stop.signal);
  desk.client.fail = () => undefined;
  expect(desk.looks).toBe(before + 1);
  slow.resolve();
  await Promise.all([first, second]);
  expect(desk.looks).toBe(before + 2);
});
