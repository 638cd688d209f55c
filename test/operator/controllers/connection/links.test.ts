import { expect, test } from '@jest/globals';
import type { Pacer } from '../../../../src/aws/index.ts';
import { resolveSettings } from '../../../../src/connection/index.ts';
import { ReadingGate } from '../../../../src/reconciliation/index.ts';
import { ConnectionLinks, type Target } from '../../../../operator/controllers/connection/links.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { FakeAws } from '../../../src/fake-aws.ts';
import { FakeClock } from '../../../src/fake-clock.ts';
import { caller, connection, working } from '../material.ts';

const key = { namespace: 'ns', name: 'main' };
const { settings } = resolveSettings({});

function stage() {
  const targets: Target[] = [];
  const closed: string[] = [];
  const asked: string[] = [];
  const clock = new FakeClock();
  const links = new ConnectionLinks({
    clock: clock as never,
    logger: createLogger({ level: 'error', clock, write: () => undefined }),
    protectSecret: () => undefined,
    connect: (target) => {
      targets.push(target);
      const api = new FakeAws();
      api.close = () => closed.push(target.credentials.accessKeyId);
      return api;
    },
    pace: (): Pacer => ({ acquire: () => Promise.resolve(() => undefined) }),
    gate: new ReadingGate({ places: 1, troubled: 1 }),
    paceTrail: (name): Pacer => ({
      acquire: () => {
        asked.push(name());
        return Promise.resolve(() => undefined);
      },
    }),
  });
  const state = new ConnectionRegistry().obtain(key);
  const take = (accessKeyId: string) => {
    const credentials = { accessKeyId, secretAccessKey: 's' };
    return links.target(connection(), key, state, credentials, settings);
  };
  return { links, state, take, targets, closed, asked };
}

test('new credentials keep what was learnt of the rate and what was read; the old client goes', () => {
  const { links, state, take, targets, closed } = stage();
  const first = links.adopt(state, take('AKIA1'));
  const second = links.adopt(state, take('AKIA2'));
  expect(targets).toHaveLength(2);
  expect(targets[1]?.pacer).toBe(targets[0]?.pacer);
  expect(second.snapshots).toBe(first.snapshots);
  expect(closed).toEqual(['AKIA1']);
});

test('the same credentials keep their client, verified or not', () => {
  const { links, state, take, targets } = stage();
  const candidate = take('AKIA1');
  expect(take('AKIA1')).toBe(candidate);
  const link = links.adopt(state, candidate);
  expect(take('AKIA1')).toBe(link);
  expect(targets).toHaveLength(1);
});

test('a candidate that gives way to another is closed', () => {
  const { take, closed } = stage();
  take('AKIA1');
  take('AKIA2');
  expect(closed).toEqual(['AKIA1']);
});

test('calls to CloudTrail go under AWS account and region, which connections to one account share', async () => {
  const { state, take, targets, asked } = stage();
  take('AKIA1');
  state.terms = (await working()).terms;
  await targets[0]?.trailPacer.acquire('background', AbortSignal.timeout(1_000));
  expect(asked).toEqual([`${caller.accountId}/us-east-1`]);
});
