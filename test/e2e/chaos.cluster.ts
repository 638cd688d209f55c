import { expect, test } from '@jest/globals';
import { sharedControlPlane } from '../cluster/index.ts';
import { runChaos } from './chaos/index.ts';

test('killed at random moments, with a failing and slow AWS: every account ends as declared', async () => {
  const progress: string[] = [];
  const plane = sharedControlPlane();
  await plane.installCrds();
  const report = await runChaos({
    plane,
    namespace: 'chaos-small',
    seed: 20_261_125,
    kills: 6,
    accounts: 10,
    signal: new AbortController().signal,
    progress: (line) => progress.push(line),
  });
  expect(report.problems).toEqual([]);
  expect(report.made).toBeGreaterThan(0);
  expect(report.kills).toBe(6);
}, 420_000);
