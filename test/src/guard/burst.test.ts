import { describe, expect, test } from '@jest/globals';
import {
  burstAt,
  goesAt,
  readBurst,
  takeOne,
  withReleased,
  writeBurst,
  type Burst,
} from '../../../src/guard/index.ts';

const second = 1_000;
const start = Date.UTC(2026, 0, 15);

/** How many go at this time, and what is left. */
function takeAll(burst: Burst, now: number): { burst: Burst; went: number } {
  let left = burst;
  for (let went = 0; ; went += 1) {
    const next = takeOne(left, now);
    if (next === undefined) {
      return { burst: left, went };
    }
    left = next;
  }
}

const fresh = readBurst(undefined, start);

describe('the burst of deletions', () => {
  test('20 go at once, and the rest at one each 30 s', () => {
    const went: number[] = [];
    let burst = fresh;
    for (const at of [0, 10, 29.999, 30, 59.999, 60, 90, 119.999, 120]) {
      const taken = takeAll(burst, start + at * second);
      burst = taken.burst;
      went.push(taken.went);
    }
    expect(went).toEqual([20, 0, 0, 1, 0, 1, 1, 0, 1]);
  });

  test('is whole again after ten minutes, and never more than whole', () => {
    const { burst } = takeAll(fresh, start);
    expect(takeAll(burst, start + 599 * second).went).toBe(19);
    expect(takeAll(burst, start + 600 * second).went).toBe(20);
    expect(takeAll(burst, start + 86_400 * second).went).toBe(20);
  });

  test('parts of 30 s are not lost to those who ask often', () => {
    let { burst } = takeAll(fresh, start);
    let went = 0;
    for (let at = 0; at <= 300; at += 7) {
      const taken = takeAll(burst, start + at * second);
      burst = taken.burst;
      went += taken.went;
    }
    expect(went).toBe(9);
    expect(takeAll(burst, start + 300 * second).went).toBe(1);
  });

  test('who was let go is noted once, and the oldest make room after a thousand', () => {
    const once = withReleased(withReleased(fresh, 'AIDA0'), 'AIDA1');
    expect(once.released).toEqual(['AIDA0', 'AIDA1']);
    expect(withReleased(once, 'AIDA0')).toBe(once);
    expect(withReleased(once, undefined)).toBe(once);
    const many = Array.from({ length: 1_000 }, (_, index) => `AIDA${index + 1}`).reduce(withReleased, once);
    expect(many.released).toHaveLength(1_000);
    expect(many.released.slice(0, 1)).toEqual(['AIDA1']);
    expect(readBurst(writeBurst(many), start)).toEqual(many);
    expect(readBurst('{"tokens":1,"at":1,"released":[1,"AIDA2",null]}', start).released).toEqual(['AIDA2']);
    expect(readBurst('{"tokens":1,"at":1,"released":"AIDA2"}', start).released).toEqual([]);
  });

  test('outlives the process as it is', () => {
    const { burst } = takeAll(fresh, start);
    const approved = { ...burst, approval: { value: 'jo', at: start } };
    expect(readBurst(writeBurst(approved), start + 1)).toEqual(approved);
    expect(takeAll(readBurst(writeBurst(burst), start), start).went).toBe(0);
  });

  test('a clock that is set back gives nothing, and once that is written keeps nobody', () => {
    const { burst } = takeAll(fresh, start);
    const back = start - 3_600 * second;
    expect(takeOne(burst, back)).toBeUndefined();
    expect(goesAt(burst, 0, back)).toBe(back + 30 * second);
    const written = burstAt(burst, back);
    expect(takeAll(written, back + 29 * second).went).toBe(0);
    expect(takeAll(written, back + 30 * second).went).toBe(1);
  });

  test.each([
    '',
    'x',
    'null',
    '[]',
    '{}',
    '{"tokens":99,"at":1}',
    '{"tokens":-1,"at":1}',
    '{"tokens":20}',
    '{"tokens":1.5,"at":1}',
  ])('a memory that is spoilt lets nobody go at once: %s', (text) => {
    const burst = readBurst(text, start);
    expect(takeOne(burst, start)).toBeUndefined();
    expect(takeOne(burst, start + 30 * second)).toBeDefined();
  });

  test('says when each of those that wait may go', () => {
    expect(goesAt(fresh, 19, start)).toBe(start);
    expect(goesAt(fresh, 20, start)).toBe(start + 30 * second);
    const { burst } = takeAll(fresh, start);
    const later = start + 10 * second;
    expect([0, 1, 2].map((ahead) => goesAt(burst, ahead, later) - start)).toEqual(
      [30, 60, 90].map((s) => s * second),
    );
  });
});
