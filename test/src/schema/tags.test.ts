import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fold, planTags, type Tag, type TagPlan } from '../../../src/schema/index.ts';

type TagInputs = Parameters<typeof planTags>[0];
type Record_ = Readonly<Record<string, string>>;

const listOf = (tags: Record_): Tag[] => Object.entries(tags).map(([key, value]) => ({ key, value }));

function plan(
  current: Record_,
  desired: Record_,
  more: { written?: readonly string[]; kept?: readonly string[] } = {},
): TagPlan {
  return planTags({
    current: listOf(current),
    desired: new Map(Object.entries(desired)),
    written: more.written ?? [],
    protectedKeys: more.kept ?? [],
  });
}

/** What UntagUser and TagUser make of a user's tags, keys compared as IAM compares them. */
function apply(current: readonly Tag[], { untag, tag }: TagPlan): Tag[] {
  const gone = new Set(untag.map(fold));
  const left = current.filter(({ key }) => !gone.has(fold(key)));
  const set = new Map(tag.map((each) => [fold(each.key), each]));
  const kept = left.map((each) => {
    const value = set.get(fold(each.key))?.value;
    set.delete(fold(each.key));
    return value === undefined ? each : { key: each.key, value };
  });
  return [...kept, ...set.values()];
}

describe('the fewest calls from one set of tags to the other', () => {
  test.each<[string, TagPlan, Partial<TagPlan>]>([
    ['nothing at all', plan({}, {}), { untag: [], tag: [], total: 0 }],
    ['equal', plan({ a: '1', b: '2' }, { b: '2', a: '1' }), { untag: [], tag: [], total: 2 }],
    ['a new one', plan({ a: '1' }, { b: '2' }), { untag: [], tag: [{ key: 'b', value: '2' }], total: 2 }],
    ['a new value', plan({ a: '1' }, { a: '2' }), { untag: [], tag: [{ key: 'a', value: '2' }], total: 1 }],
    [
      'a value that became empty',
      plan({ a: '1' }, { a: '' }),
      { untag: [], tag: [{ key: 'a', value: '' }], total: 1 },
    ],
    [
      'ours that is no longer asked for',
      plan({ a: '1' }, {}, { written: ['a'] }),
      { untag: ['a'], tag: [], total: 0 },
    ],
    ['ours that is gone already', plan({}, {}, { written: ['a'] }), { untag: [], tag: [], total: 0 }],
    [
      'the case of our key',
      plan({ Dept: '1' }, { dept: '1' }, { written: ['Dept'] }),
      { untag: ['Dept'], tag: [{ key: 'dept', value: '1' }], total: 1 },
    ],
    [
      'the case of our key once more, after the memory of both was kept',
      plan({ dept: '1' }, { dept: '1' }, { written: ['Dept', 'dept'] }),
      { untag: [], tag: [], total: 1 },
    ],
    ['a foreign one', plan({ Cost: '1' }, {}, { written: ['a'] }), { untag: [], tag: [], total: 1 }],
    [
      'somebody made ours anew in other case',
      plan({ DEPT: '1' }, {}, { written: ['dept'] }),
      { untag: [], tag: [], total: 1 },
    ],
    [
      'aws: is AWS’s own',
      plan({ 'aws:x': '1' }, {}, { written: ['aws:x'] }),
      { untag: [], tag: [], total: 1 },
    ],
    [
      'a protected one that is equal',
      plan({ Team: 'a' }, { Team: 'a' }, { kept: ['team'] }),
      { untag: [], tag: [], conflicts: [], total: 1 },
    ],
    [
      'a protected one of ours',
      plan({ team: 'a' }, {}, { kept: ['TEAM'], written: ['team'] }),
      { untag: [], tag: [], total: 1 },
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toMatchObject({ conflicts: [], ...expected });
  });

  test.each<[string, TagPlan, RegExp]>([
    [
      'a foreign tag in other case',
      plan({ Dept: 'x' }, { dept: '1' }),
      /"dept" was not written: the user carries "Dept"/,
    ],
    [
      'a foreign tag in other case with the same value',
      plan({ Dept: '1' }, { dept: '1' }),
      /write the key as "Dept"/,
    ],
    [
      'a protected tag with another value',
      plan({ Team: 'a' }, { Team: 'b' }, { kept: ['team'] }),
      /"Team" is protected/,
    ],
    ['a protected tag that is not there', plan({}, { Team: 'b' }, { kept: ['team'] }), /"Team" is protected/],
  ])('%s is left alone, and it is said', (_, found, sentence) => {
    expect(found.untag).toEqual([]);
    expect(found.tag).toEqual([]);
    expect(found.conflicts).toHaveLength(1);
    expect(found.conflicts[0]).toMatch(sentence);
  });
});

describe('whatever the tags are', () => {
  const key = fc.constantFrom('a', 'A', 'b', 'B', 'dept', 'Dept', 'DEPT', 'aws:x', 'cost', 'ß', 'É', 'é');
  const uniqueByFold = <T>(items: readonly T[], keyOf: (item: T) => string): T[] => [
    ...new Map(items.map((item) => [fold(keyOf(item)), item])).values(),
  ];
  const tags = fc
    .array(fc.record({ key, value: fc.constantFrom('', '1', '2') }), { maxLength: 8 })
    .map((list) => uniqueByFold(list, (tag) => tag.key));
  const inputs: fc.Arbitrary<TagInputs> = fc.record({
    current: tags,
    desired: tags.map(
      (list) => new Map(list.filter((tag) => !tag.key.startsWith('aws:')).map((tag) => [tag.key, tag.value])),
    ),
    written: fc.uniqueArray(key, { maxLength: 6 }),
    protectedKeys: fc.uniqueArray(key, { maxLength: 2 }),
  });

  test('the calls lead to what is asked for, and a second look asks for nothing', () => {
    fc.assert(
      fc.property(inputs, (each) => {
        const first = planTags(each);
        const reached = apply(each.current, first);
        expect(first.total).toBe(reached.length);
        const second = planTags({ ...each, current: reached });
        expect(second).toMatchObject({ untag: [], tag: [], conflicts: first.conflicts });
        for (const [wanted, value] of each.desired) {
          const kept = each.protectedKeys.some((one) => fold(one) === fold(wanted));
          const found = reached.find((tag) => (kept ? fold(tag.key) === fold(wanted) : tag.key === wanted));
          if (found?.value !== value) {
            expect(first.conflicts.join()).toContain(`"${wanted}"`);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('foreign, protected and AWS’s own tags stay as they are, in their case', () => {
    fc.assert(
      fc.property(inputs, (each) => {
        const reached = apply(each.current, planTags(each));
        const kept = new Set(each.protectedKeys.map(fold));
        for (const tag of each.current) {
          const asked = [...each.desired.keys()].includes(tag.key);
          const ours = each.written.includes(tag.key);
          if (kept.has(fold(tag.key)) || (!asked && !ours)) {
            expect(reached).toContainEqual(tag);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
