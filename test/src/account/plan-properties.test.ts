import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sameApplied, type Applied, type ObservedUser, type Plan } from '../../../src/account/index.ts';
import type { SyncDirection, Tag } from '../../../src/schema/index.ts';
import { boundary, observed, rulesWith } from './material.ts';
import { cityIs, long, longParts, mark, plan, remembering, tagsOf, writtenAs, type Given } from './given.ts';

describe('whatever is declared, found and remembered', () => {
  const name = fc.constantFrom('jo', 'Jo', 'joan');
  const key = fc.constantFrom('city', 'City', 'dept', 'Dept', 'team', 'streetAddress', 'streetAddress.2');
  const value = fc.constantFrom('', 'Berlin', 'Bonn', "O'Brien", long);
  const tagValue = fc.constantFrom('', 'Berlin', 'Bonn', ...longParts);
  const direction = fc.constantFrom<SyncDirection>(
    'idhub-to-app',
    'app-to-idhub',
    'bi-directional',
    'no-sync',
  );
  const tags = fc
    .dictionary(key, tagValue, { maxKeys: 5, noNullPrototype: true })
    .map((record) =>
      Array.from(
        new Map(Object.entries(record).map(([k, v]) => [k.toLowerCase(), { key: k, value: v }])).values(),
      ),
    );
  const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });

  const situation = fc.record({
    declared: fc.record({
      userName: name,
      path: fc.constantFrom(undefined, '/', '/x/'),
      attributes: fc.dictionary(fc.constantFrom('city', 'streetAddress'), value, { noNullPrototype: true }),
      tags: tags.map((list) => Object.fromEntries(list.map((tag) => [tag.key, tag.value]))),
      boundary: fc.constantFrom(undefined, boundary, `${boundary}2`),
    }),
    user: fc.record({
      userName: name,
      path: fc.constantFrom('/', '/x/'),
      tags: fc.tuple(tags, fc.boolean()).map(([list, marked]) => (marked ? [mark].concat(list) : list)),
      boundary: fc.constantFrom(undefined, boundary),
    }),
    applied: maybe(
      fc.record({
        userName: name,
        tags: fc.uniqueArray(key, { maxLength: 5 }),
        boundary: fc.constantFrom(null, boundary, `${boundary}2`),
        written: maybe(value).map((one) => (one === undefined ? {} : writtenAs(one))),
      }),
    ),
    rules: fc
      .tuple(direction, direction, fc.constantFrom<readonly string[]>([], ['TEAM']))
      .map(([city, street, protectedTags]) =>
        rulesWith(
          [
            { name: 'city', syncDirection: city },
            { name: 'streetAddress', syncDirection: street },
          ],
          { protectedTags },
        ),
      ),
  });

  /** The user after a step, as AWS would have it. */
  function after(user: ObservedUser, step: Plan['steps'][number]): ObservedUser {
    const without = (keys: readonly string[]): Tag[] =>
      user.tags.filter((tag) => !keys.some((one) => one.toLowerCase() === tag.key.toLowerCase()));
    switch (step.do) {
      case 'rename':
        return { ...user, userName: step.to };
      case 'move':
        return { ...user, path: step.path };
      case 'putBoundary':
        return { ...user, boundary: step.arn };
      case 'deleteBoundary':
        return { ...user, boundary: undefined };
      case 'untag':
        return { ...user, tags: without(step.keys) };
      case 'tag':
        return { ...user, tags: [...without(step.tags.map((tag) => tag.key)), ...step.tags] };
      case 'disable':
      case 'enable':
        return user;
    }
  }

  function run(
    given: Given,
    user: ObservedUser,
    applied: Applied | undefined,
    steps?: number,
  ): [ObservedUser, Plan] {
    const made = plan({ ...given, user, applied });
    return [made.steps.slice(0, steps).reduce(after, user), made];
  }

  /** Tags that are declared under the key of an attribute that others lead for are another matter. */
  const isPlain = ({ declared, rules }: Given): boolean =>
    Object.keys(declared?.tags ?? {}).every((key_) => {
      const led = rules?.schema.get(key_.toLowerCase() === 'city' ? 'city' : 'streetAddress')?.syncDirection;
      return !/^(city|streetaddress)/i.test(key_) || led === 'idhub-to-app' || led === 'bi-directional';
    });

  const seen = (user: ObservedUser): unknown => ({
    ...user,
    tags: user.tags.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
  });

  test('a second pass has nothing to do', () => {
    fc.assert(
      fc.property(situation, (given) => {
        fc.pre(isPlain(given));
        const start = observed(given.user);
        const applied = given.applied === undefined ? undefined : remembering(given.applied);
        const [reached, made] = run(given, start, applied);
        const [, second] = run(given, reached, made.after);
        expect(second.steps).toEqual([]);
        expect(sameApplied(second.after, made.after)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a crash after any step, memory kept as it was before the first, leads to the same end', () => {
    fc.assert(
      fc.property(situation, fc.nat(5), (given, steps) => {
        fc.pre(isPlain(given));
        const start = observed(given.user);
        const applied = given.applied === undefined ? undefined : remembering(given.applied);
        const [reached, made] = run(given, start, applied);
        const [half] = run(given, start, applied, steps);
        const [again, second] = run(given, half, made.before);
        expect(seen(again)).toEqual(seen(reached));
        expect(sameApplied(second.after, made.after)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('with no memory nothing is removed and no name is changed', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { steps } = plan({ ...given, applied: undefined });
        const changes = steps.filter((step) => step.do === 'rename' || step.do === 'deleteBoundary');
        expect(changes).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is remembered is what is ours', () => {
  test('a key of ours whose case changed, while another tag is in conflict', () => {
    const made = plan({
      applied: { tags: ['Dept'] },
      declared: { tags: { dept: '1', cost: '2' } },
      user: { tags: tagsOf({ Dept: '1', COST: '9' }) },
    });
    expect(made.problems.map(({ reason }) => reason)).toEqual(['TagConflict']);
    expect(made.steps.map((step) => step.do)).toEqual(['untag', 'tag']);
    expect(made.after.tags).toEqual(['dept']);
  });

  test('with no memory the present name is the baseline, also after a crash', () => {
    const given: Given = { declared: { userName: 'joan' } };
    expect(plan(given).steps).toEqual([]);
    expect(plan({ ...given, applied: plan(given).before }).steps).toEqual([]);
  });

  test('a change of a bi-directional attribute that found no room is still to be written', () => {
    const foreign = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`f${index}`, '']));
    const rules = cityIs('bi-directional');
    const given: Given = { rules, declared: { attributes: { city: 'Berlin' }, tags: { team: 'a' } } };
    const full = plan({ ...given, applied: { written: writtenAs('Bonn') }, user: { tags: tagsOf(foreign) } });
    expect(full.problems.map(({ reason }) => reason)).toEqual(['TooManyTags']);
    const roomy = plan({ ...given, applied: full.after });
    expect(roomy.steps).toEqual([
      {
        do: 'tag',
        tags: [
          { key: 'city', value: 'Berlin' },
          { key: 'team', value: 'a' },
        ],
      },
    ]);
  });

  test.each<SyncDirection>(['app-to-idhub', 'no-sync'])(
    'an attribute that becomes %s is no longer ours to write, nor to remove',
    (direction) => {
      const made = plan({
        rules: cityIs(direction),
        applied: { tags: ['city'] },
        declared: { attributes: { city: 'Berlin' } },
        user: { tags: tagsOf({ city: 'Berlin' }) },
      });
      expect(made.steps).toEqual([]);
      expect(made.after.tags).toEqual([]);
    },
  );

  test.each<[string, Given['declared']]>([
    ['an attribute that the schema refuses', { attributes: { city: 'Berlin', shoeSize: '43' } }],
    [
      'a tag that is an attribute’s too',
      { attributes: { city: 'Berlin', mail: 'a@b' }, tags: { mail: 'a@b' } },
    ],
    [
      'too many tags',
      {
        attributes: { city: 'Berlin' },
        tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, ''])),
      },
    ],
  ])('with no memory the present is the baseline, also where the first pass met %s', (_, declared) => {
    const given: Given = { rules: cityIs('bi-directional'), user: { tags: tagsOf({ city: 'Bonn' }) } };
    const first = plan({ ...given, ...(declared === undefined ? {} : { declared }) });
    expect(first.problems).toHaveLength(1);
    for (const applied of [first.before, first.after]) {
      const corrected = plan({ ...given, declared: { attributes: { city: 'Berlin' } }, applied });
      expect(corrected.steps).toEqual([]);
    }
  });

  test('a bi-directional attribute that comes into the spec is a change of the spec, and is written', () => {
    const made = plan({
      rules: cityIs('bi-directional'),
      applied: {},
      declared: { attributes: { city: 'Berlin' } },
    });
    expect(made.steps).toEqual([{ do: 'tag', tags: [{ key: 'city', value: 'Berlin' }] }]);
  });
});
