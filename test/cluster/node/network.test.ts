import { expect, test } from '@jest/globals';
import { freeNetwork, networkOf } from './network.ts';

test('networks of nodes do not overlap, and their names fit into those of links', () => {
  const all = Array.from({ length: 256 }, (_, n) => networkOf(n));
  for (const field of ['host', 'node', 'pods', 'services', 'link'] as const) {
    expect(new Set(all.map((each) => each[field])).size).toBe(256);
  }
  // IFNAMSIZ of the kernel: 15 characters, with the letter for the node's end.
  expect(Math.max(...all.map(({ link }) => `${link}n`.length))).toBeLessThanOrEqual(15);
});

test('one is taken that this machine has no address in', () => {
  expect(freeNetwork(() => 0, []).host).toBe('10.99.0.1');
  expect(freeNetwork(() => 0.999, ['10.99.255.1', '10.99.0.1']).host).toBe('10.99.1.1');
  const all = Array.from({ length: 256 }, (_, n) => networkOf(n).host);
  expect(() => freeNetwork(() => 0.5, all)).toThrow(/taken by nodes: end some/);
});
