import { describe, expect, test } from '@jest/globals';
import { changes } from './changes.ts';
import { Teller } from './story.ts';

describe('what changes behind the product’s back is reported, all of it and once', () => {
  test.each([1, 2, 3, 4])('seed %i', async (seed) => {
    const story = await Teller.tell({ seed, changes: 150, users: 60 });
    expect({ seed, complaints: story.complaints }).toEqual({ seed, complaints: [] });
    expect(story.late).toBe(0);
  });

  test('1,000 changes of every kind', async () => {
    const seed = 7;
    const story = await Teller.tell({ seed, changes: 1_000, users: 120 });
    expect({ seed, complaints: story.complaints }).toEqual({ seed, complaints: [] });
    expect(story.late).toBe(0);
    expect(Object.keys(story.done).sort()).toEqual(Object.keys(changes).sort());
    expect(story.changes).toBeGreaterThanOrEqual(1_000);
    expect(story.reported).toBeGreaterThan(500);
    expect(story.kills).toBeGreaterThan(20);
    expect(story.partial).toBeGreaterThan(5);
  });
});
