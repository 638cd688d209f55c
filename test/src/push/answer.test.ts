import { describe, expect, test } from '@jest/globals';
import { backoffMs, verdictOn } from '../../../src/push/index.ts';

const now = Date.UTC(2026, 0, 15, 12);

describe('what an answer means', () => {
  test.each<[number, string | undefined, object]>([
    [200, undefined, { kind: 'taken' }],
    [202, '30', { kind: 'taken' }],
    [299, undefined, { kind: 'taken' }],
    [410, '30', { kind: 'gone' }],
    [429, '30', { kind: 'failed', cause: 'unavailable', why: 'HTTP 429', waitMs: 30_000 }],
    [503, ' 120 ', { kind: 'failed', cause: 'unavailable', waitMs: 120_000 }],
    [503, new Date(now + 90_000).toUTCString(), { kind: 'failed', cause: 'unavailable', waitMs: 90_000 }],
    [503, new Date(now - 90_000).toUTCString(), { kind: 'failed', cause: 'unavailable', waitMs: 0 }],
    [503, '99999999999', { kind: 'failed', cause: 'unavailable', waitMs: 3_600_000 }],
    [503, 'soon', { kind: 'failed', cause: 'unavailable', waitMs: 0 }],
    [503, '-5', { kind: 'failed', cause: 'unavailable', waitMs: 0 }],
    [500, undefined, { kind: 'failed', cause: 'unavailable', waitMs: 0 }],
    [408, undefined, { kind: 'failed', cause: 'unavailable' }],
    [425, undefined, { kind: 'failed', cause: 'unavailable' }],
    [400, undefined, { kind: 'failed', cause: 'refused', why: 'HTTP 400' }],
    [401, undefined, { kind: 'failed', cause: 'refused' }],
    [404, undefined, { kind: 'failed', cause: 'refused' }],
    [413, undefined, { kind: 'failed', cause: 'refused' }],
    [301, undefined, { kind: 'failed', cause: 'refused', why: expect.stringContaining('is not followed') }],
    [307, undefined, { kind: 'failed', cause: 'refused' }],
    [304, undefined, { kind: 'failed', cause: 'refused' }],
    [199, undefined, { kind: 'failed', cause: 'refused' }],
    [0, undefined, { kind: 'failed', cause: 'refused' }],
  ])('%i, Retry-After %s', (status, retryAfter, verdict) => {
    expect(verdictOn({ kind: 'answered', status, retryAfter }, now)).toMatchObject(verdict);
  });

  test('none', () => {
    expect(verdictOn({ kind: 'unanswered', why: 'connect ECONNREFUSED' }, now)).toEqual({
      kind: 'failed',
      cause: 'unavailable',
      why: 'connect ECONNREFUSED',
      waitMs: 0,
    });
  });
});

describe('how long to wait', () => {
  test.each([
    [1, 0, 0, 1_000],
    [1, 0, 0.999_999, 500],
    [2, 0, 0, 2_000],
    [5, 0, 0, 16_000],
    [10, 0, 0, 512_000],
    [11, 0, 0, 600_000],
    [1_000_000, 0, 0, 600_000],
    [1, 30_000, 0, 30_000],
    [11, 30_000, 0, 600_000],
    [11, 3_600_000, 0.5, 3_600_000],
    [0, 0, 0, 1_000],
  ])('after %i failures, asked for %i ms, random %f: %i ms', (failures, asked, random, ms) => {
    expect(Math.round(backoffMs(failures, asked, () => random))).toBe(ms);
  });
});
