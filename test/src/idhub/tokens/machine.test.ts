import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  afterStep,
  initialState,
  nextStep,
  withoutTokens,
  type Step,
  type StepOutcome,
  type TokenState,
} from '../../../../src/idhub/tokens/machine.ts';
import type { IdhubSettings } from '../../../../src/idhub/tokens/settings.ts';

const exchange = {
  tokenUrl: 'https://h/x',
  clientId: 'c',
  clientSecret: undefined,
  subjectTokenType: 't',
  subjectIssuer: undefined,
  audience: undefined,
  scope: undefined,
};
const login = { username: 'u', password: 'p' };
const settings: IdhubSettings = {
  tokenUrl: 'https://h/t',
  clientId: 'c',
  clientSecret: undefined,
  refreshToken: 'r0',
  login: undefined,
  scope: undefined,
  exchange,
  targetSystemUrl: 'https://h/a',
  infoUrl: undefined,
  versions: [],
  ca: undefined,
};
const trouble = { kind: 'unreachable', message: 'no answer' } as const;
const now = 1_000_000;
const start = initialState(settings);
const held = (token: string, ms: number): { token: string; usableUntil: number } => ({
  token,
  usableUntil: now + ms,
});

describe('the next step', () => {
  test.each<[string, Partial<TokenState>, Partial<IdhubSettings>, Step]>([
    ['at the start: refresh', {}, {}, { kind: 'request', request: 'refresh' }],
    [
      'without a refresh token: sign in',
      { refreshToken: undefined },
      { login },
      { kind: 'request', request: 'login' },
    ],
    [
      'with neither: client_credentials',
      { refreshToken: undefined },
      {},
      { kind: 'request', request: 'credentials' },
    ],
    ['a spent refresh token: sign in', { spent: true }, { login }, { kind: 'request', request: 'login' }],
    [
      'a token of the tenant: exchange',
      { subject: held('s', 1) },
      {},
      { kind: 'request', request: 'exchange' },
    ],
    ['of which time is up: refresh', { subject: held('s', 0) }, {}, { kind: 'request', request: 'refresh' }],
    [
      'without exchange it is used',
      { subject: held('s', 1) },
      { exchange: undefined },
      { kind: 'use', bearer: 's' },
    ],
    ['an exchanged token is used', { bearer: held('b', 1) }, {}, { kind: 'use', bearer: 'b' }],
    [
      'also while others must wait',
      { bearer: held('b', 1), notBefore: now + 9, trouble },
      {},
      { kind: 'use', bearer: 'b' },
    ],
    ['after its time: from the start', { bearer: held('b', 0) }, {}, { kind: 'request', request: 'refresh' }],
    ['after a failure: wait', { notBefore: now + 9, trouble }, {}, { kind: 'wait', until: now + 9, trouble }],
    ['until the pause is over', { notBefore: now, trouble }, {}, { kind: 'request', request: 'refresh' }],
    [
      'a rotated token is stored before all else',
      { unstored: true, bearer: held('b', 1), subject: held('s', 1) },
      {},
      { kind: 'store', refreshToken: 'r0' },
    ],
    [
      'and nothing is used where that fails',
      { unstored: true, bearer: held('b', 1), notBefore: now + 9, trouble },
      {},
      { kind: 'wait', until: now + 9, trouble },
    ],
  ])('%s', (_, state, change, expected) => {
    expect(nextStep({ ...start, ...state }, { ...settings, ...change }, now)).toEqual(expected);
  });
});

describe('after a step', () => {
  const time = { sentAt: now, now: now + 100, random: 0, longestPauseMs: 60_000 };
  const tokens = (more: object = {}): StepOutcome => ({
    kind: 'tokens',
    accessToken: 'a',
    expiresInMs: 300_000,
    refreshToken: undefined,
    ...more,
  });
  const request = (name: 'refresh' | 'login' | 'credentials' | 'exchange') =>
    ({ kind: 'request', request: name }) as const;

  test.each<
    [
      string,
      Partial<TokenState>,
      Parameters<typeof afterStep>[1],
      StepOutcome,
      Partial<IdhubSettings>,
      Partial<TokenState>,
    ]
  >([
    [
      'the same refresh token: nothing to store',
      {},
      request('refresh'),
      tokens({ refreshToken: 'r0' }),
      {},
      { refreshToken: 'r0', unstored: false, subject: { token: 'a', usableUntil: now + 270_000 } },
    ],
    [
      'no refresh token in the answer: the old one stays',
      {},
      request('refresh'),
      tokens(),
      {},
      { refreshToken: 'r0', unstored: false },
    ],
    [
      'another one: to be stored',
      {},
      request('refresh'),
      tokens({ refreshToken: 'r1' }),
      {},
      { refreshToken: 'r1', unstored: true },
    ],
    [
      'of a login: to be stored, and it counts again',
      { spent: true },
      request('login'),
      tokens({ refreshToken: 'r1' }),
      { login },
      { refreshToken: 'r1', unstored: true, spent: false },
    ],
    [
      'of client_credentials: not kept',
      { refreshToken: undefined },
      request('credentials'),
      tokens({ refreshToken: 'r1' }),
      {},
      { refreshToken: undefined, unstored: false },
    ],
    [
      'of an exchange: not kept',
      { subject: held('s', 9) },
      request('exchange'),
      tokens({ refreshToken: 'x' }),
      {},
      { refreshToken: 'r0', unstored: false, bearer: { token: 'a', usableUntil: now + 270_000 } },
    ],
    [
      'a short life: a fifth of it is left',
      {},
      request('refresh'),
      tokens({ expiresInMs: 10_000 }),
      {},
      { subject: { token: 'a', usableUntil: now + 8_000 } },
    ],
    [
      'stored',
      { unstored: true, failures: 3, notBefore: 9, trouble },
      { kind: 'store', refreshToken: 'r0' },
      { kind: 'stored' },
      {},
      { unstored: false, failures: 0, notBefore: 0, trouble: undefined },
    ],
    [
      'a success ends the pauses',
      { failures: 3, notBefore: 9, trouble },
      request('refresh'),
      tokens(),
      {},
      { failures: 0, notBefore: 0, trouble: undefined },
    ],
    [
      'a failure: a pause',
      {},
      request('refresh'),
      { kind: 'failed', trouble },
      {},
      { failures: 1, notBefore: now + 100 + 1_000, trouble },
    ],
    [
      'the fifth: a longer one',
      { failures: 4 },
      request('refresh'),
      { kind: 'failed', trouble },
      {},
      { failures: 5, notBefore: now + 100 + 16_000 },
    ],
    [
      'the hundredth: the longest',
      { failures: 99 },
      request('refresh'),
      { kind: 'failed', trouble },
      {},
      { notBefore: now + 100 + 60_000 },
    ],
    [
      'or as long as is asked for',
      {},
      request('refresh'),
      { kind: 'failed', trouble: { ...trouble, retryAfterMs: 120_000 } },
      {},
      { notBefore: now + 100 + 120_000 },
    ],
    [
      'a refused refresh token, and nothing else: a pause',
      {},
      request('refresh'),
      { kind: 'failed', trouble: { ...trouble, kind: 'refused' } },
      {},
      { spent: false, failures: 1 },
    ],
    [
      'a refused refresh token, and a service account: at once',
      {},
      request('refresh'),
      { kind: 'failed', trouble: { ...trouble, kind: 'refused' } },
      { login },
      { spent: true, failures: 0, notBefore: 0 },
    ],
    [
      'no answer is no refusal',
      {},
      request('refresh'),
      { kind: 'failed', trouble },
      { login },
      { spent: false, failures: 1 },
    ],
    [
      'a refused exchange: the tenant’s token is asked for anew',
      { subject: held('s', 9) },
      request('exchange'),
      { kind: 'failed', trouble: { ...trouble, kind: 'refused' } },
      {},
      { subject: undefined },
    ],
    [
      'an exchange without answer: it is kept',
      { subject: held('s', 9) },
      request('exchange'),
      { kind: 'failed', trouble },
      {},
      { subject: held('s', 9) },
    ],
  ])('%s', (_, state, step, outcome, change, expected) => {
    expect(afterStep({ ...start, ...state }, step, outcome, { ...settings, ...change }, time)).toMatchObject(
      expected,
    );
  });

  test('up to half of a pause is taken off at random', () => {
    const pause = (random: number): number =>
      afterStep(start, request('refresh'), { kind: 'failed', trouble }, settings, {
        sentAt: now,
        now,
        random,
        longestPauseMs: 60_000,
      }).notBefore - now;
    expect([pause(0), pause(0.5), pause(1)]).toEqual([1_000, 750, 500]);
  });

  test('a token that IDHub refuses is forgotten with what led to it, the refresh token is not', () => {
    expect(withoutTokens({ ...start, subject: held('s', 9), bearer: held('b', 9) })).toEqual(start);
  });
});

describe('whatever comes in whatever order', () => {
  const outcome = fc.oneof(
    fc.record({
      kind: fc.constant('tokens' as const),
      accessToken: fc.constantFrom('a', 'b'),
      expiresInMs: fc.constantFrom(1, 1_000, 300_000),
      refreshToken: fc.option(fc.constantFrom('r0', 'r1', 'r2'), { nil: undefined }),
    }),
    fc.record({
      kind: fc.constant('failed' as const),
      trouble: fc.record({
        kind: fc.constantFrom('refused' as const, 'unreachable' as const, 'fault' as const),
        message: fc.constant('m'),
      }),
    }),
  );

  test('no token is used while a refresh token is not in the Secret, and a refresh always shows the newest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(outcome, fc.boolean(), fc.constantFrom(0, 500, 90_000)), { maxLength: 60 }),
        fc.boolean(),
        (turns, withLogin) => {
          const here = withLogin ? { ...settings, login } : settings;
          let state = start;
          let secret = settings.refreshToken;
          let newest = secret;
          let clock = now;
          for (const [answer, stores, passes] of turns) {
            clock += passes;
            const step = nextStep(state, here, clock);
            if (step.kind === 'use') {
              expect(secret).toBe(newest);
              continue;
            }
            if (step.kind === 'wait') {
              expect(step.until).toBeGreaterThan(clock);
              continue;
            }
            if (step.kind === 'store') {
              expect(step.refreshToken).toBe(newest);
              secret = stores ? step.refreshToken : secret;
            } else {
              // Nothing is asked for with a token that is not kept.
              expect(secret).toBe(newest);
              newest =
                answer.kind === 'tokens' && step.request !== 'exchange'
                  ? (answer.refreshToken ?? newest)
                  : newest;
            }
            const result: StepOutcome =
              step.kind === 'store'
                ? stores
                  ? { kind: 'stored' }
                  : { kind: 'failed', trouble: { kind: 'unstored', message: 'm' } }
                : answer;
            state = afterStep(state, step, result, here, {
              sentAt: clock,
              now: clock,
              random: 0.5,
              longestPauseMs: 60_000,
            });
          }
        },
      ),
      { numRuns: 500, seed: 8 },
    );
  });
});
