import { describe, expect, test } from '@jest/globals';
import {
  ConnectionRegistry,
  usable,
  usableForCleanup,
} from '../../../../operator/controllers/connection/index.ts';
import { working } from '../material.ts';

const key = { namespace: 'ns', name: 'main' };

async function stage() {
  const registry = new ConnectionRegistry();
  const woken: string[] = [];
  const announced: string[] = [];
  registry.onWake(({ name }) => woken.push(name));
  registry.onAnnounce(({ name }) => announced.push(name));
  Object.assign(registry.obtain(key), await working());
  return { registry, state: registry.obtain(key), woken, announced };
}

describe('the connections that a process knows', () => {
  test('are made when first asked for, and peeking makes none', () => {
    const registry = new ConnectionRegistry();
    expect(registry.peek(key)).toBeUndefined();
    const state = registry.obtain(key);
    expect(registry.peek(key)).toBe(state);
    expect(usable(state)).toBeUndefined();
    expect([...registry.states().keys()]).toEqual(['ns/main']);
  });

  test('are dropped with their client', async () => {
    const { registry, state } = await stage();
    let closed = 0;
    Object.assign(state.link ?? {}, { api: { close: () => (closed += 1) } });
    registry.drop(key);
    expect(closed).toBe(1);
    expect(registry.peek(key)).toBeUndefined();
    registry.drop(key);
    expect(closed).toBe(1);
  });

  test('announce themselves to accounts', async () => {
    const { registry, announced } = await stage();
    registry.announce(key);
    expect(announced).toEqual(['main']);
  });
});

describe('refused credentials', () => {
  test('wake the connection once, however many accounts meet them', async () => {
    const { registry, state, woken } = await stage();
    for (let count = 0; count < 200; count += 1) {
      registry.suspect(key);
    }
    expect(woken).toEqual(['main']);
    expect(state.suspect).toBe(true);
  });

  test('are no news while the connection is in doubt, or unknown', async () => {
    const { registry, state, woken } = await stage();
    state.verdict = { reason: 'InvalidCredentials', message: '' };
    registry.suspect(key);
    registry.suspect({ namespace: 'ns', name: 'other' });
    expect(woken).toEqual([]);
  });
});

describe('a wish for a newer reading', () => {
  test('wakes the connection once', async () => {
    const { registry, state, woken } = await stage();
    registry.requestSnapshot(key);
    registry.requestSnapshot(key);
    expect(woken).toEqual(['main']);
    expect(state.snapshotDueAt).toBe(0);
  });
});

describe('whether accounts may use a connection', () => {
  test.each([
    ['all is well', undefined, true, true],
    ['its Secret is gone', 'SecretNotFound', false, true],
    ['its Secret lacks a key', 'SecretInvalid', false, true],
    ['its credentials are refused', 'InvalidCredentials', false, false],
    ['it leads to another account', 'AccountMismatch', false, false],
    ['it is paused', 'Paused', false, false],
  ] as const)('%s', async (_, reason, forWork, forCleanup) => {
    const { state } = await stage();
    state.verdict = reason === undefined ? undefined : { reason, message: '' };
    expect(usable(state) !== undefined).toBe(forWork);
    expect(usableForCleanup(state) !== undefined).toBe(forCleanup);
  });

  test('not before it was verified', async () => {
    const { state } = await stage();
    expect(usable({ ...state, terms: undefined })).toBeUndefined();
    expect(usable({ ...state, link: undefined })).toBeUndefined();
    expect(usable(undefined)).toBeUndefined();
    expect(usableForCleanup(undefined)).toBeUndefined();
  });
});
