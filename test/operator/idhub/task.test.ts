import { describe, expect, test } from '@jest/globals';
import { keepLooking } from '../../../operator/idhub/task.ts';
import { createLogger } from '../../../operator/runtime/index.ts';
import type { LinkReport, LinkState } from '../../../src/idhub/index.ts';
import { FakeClock } from '../../src/fake-clock.ts';

const report = (state: LinkState, message: string): LinkReport => ({
  state,
  message,
  checkedAt: 0,
  version: undefined,
});

describe('looking at IDHub again and again', () => {
  test('says what has changed, once, waits as long as is asked for, and closes at the end', async () => {
    const clock = new FakeClock();
    const lines: string[] = [];
    const reports = [
      report('UP', 'well'),
      report('UP', 'well'),
      report('DOWN', 'away'),
      report('UP', 'well'),
    ];
    let looks = 0;
    let closed = false;
    const stop = new AbortController();
    const running = keepLooking({
      link: {
        look: async () => reports[Math.min(looks++, reports.length - 1)] as LinkReport,
        pauseMs: () => 1_000,
        close: async () => {
          closed = true;
        },
      },
      clock,
      logger: createLogger({ level: 'info', clock, write: (line) => void lines.push(line) }),
      signal: stop.signal,
    });
    await clock.advance(4_500);
    expect(looks).toBe(5);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'info', state: 'UP', detail: 'well' },
      { level: 'warn', state: 'DOWN', detail: 'away' },
      { level: 'info', state: 'UP', detail: 'well' },
    ]);
    expect(closed).toBe(false);
    stop.abort(new Error('the manager stops'));
    await running;
    expect(closed).toBe(true);
  });
});
