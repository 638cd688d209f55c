import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Cache } from '../../../operator/runtime/cache.ts';
import { createLogger, keyOf } from '../../../operator/runtime/index.ts';
import { thing, things, type Thing } from './fake-api.ts';
import { FakeClock } from './fake-clock.ts';

function make(transform?: (object: Thing) => Thing) {
  let errors = 0;
  const clock = new FakeClock();
  const cache = new Cache<Thing>({
    type: things,
    logger: createLogger({ level: 'error', clock, write: () => undefined }),
    onHandlerError: () => {
      errors += 1;
    },
    indexes: { owner: (object) => (object.spec?.owner === undefined ? [] : [object.spec.owner]) },
    ...(transform === undefined ? {} : { transform }),
  });
  const told: string[] = [];
  cache.subscribe((before, after) => {
    const version = (object: Thing | undefined): string => object?.metadata.resourceVersion ?? '-';
    told.push(`${(before ?? after)?.metadata.name} ${version(before)}>${version(after)}`);
  });
  return { cache, told, errors: () => errors };
}

const at = (name: string, version: number, owner?: string): Thing =>
  thing(name, {
    metadata: { name, resourceVersion: String(version) },
    ...(owner === undefined ? {} : { spec: { owner } }),
  });

describe('cache', () => {
  test('a list adds, changes and deletes, and tells of each', () => {
    const { cache, told } = make();
    cache.replace('', [at('a', 1), at('b', 2)], '10');
    cache.replace('', [at('a', 12), at('c', 11)], '20');
    expect(told).toEqual(['a ->1', 'b ->2', 'a 1>12', 'c ->11', 'b 2>-']);
    expect(cache.list().map((one) => one.metadata.name)).toEqual(['a', 'c']);
  });

  test('never goes back in time: not by a watch, a late answer or a deletion of an earlier life', () => {
    const { cache, told } = make();
    cache.replace('', [at('a', 5)], '10');
    cache.set(at('a', 12));
    cache.put(at('a', 11));
    cache.set(at('a', 12));
    cache.set(at('a', 9));
    cache.drop(at('a', 8));
    expect(told).toEqual(['a ->5', 'a 5>12']);
    cache.drop(at('a', 13));
    cache.reached('', '13');
    cache.set(at('a', 12));
    expect(cache.list()).toEqual([]);
    cache.set(at('a', 14));
    expect(cache.list()).toHaveLength(1);
  });

  test('an own write outlives a list that is older, and not one that is newer', () => {
    const { cache } = make();
    cache.replace('', [], '10');
    cache.set(at('mine', 15));
    cache.replace('', [], '14');
    expect(cache.list()).toHaveLength(1);
    cache.replace('', [], '16');
    expect(cache.list()).toHaveLength(0);
  });

  test("a restored server's list counts, though it is older", () => {
    const { cache } = make();
    cache.replace('', [at('a', 50), at('b', 60)], '100');
    cache.replace('', [at('a', 20)], '30');
    expect(cache.list().map((one) => one.metadata.resourceVersion)).toEqual(['20']);
  });

  test('a list of one namespace leaves the others alone', () => {
    const { cache } = make();
    const in2 = thing('x', { metadata: { name: 'x', namespace: 'two', resourceVersion: '3' } });
    cache.replace('default', [at('a', 1)], '10');
    cache.replace('two', [in2], '10');
    cache.replace('default', [], '11');
    expect(cache.list()).toEqual([in2]);
    expect(cache.get(keyOf(in2))).toEqual(in2);
  });

  test('what throws is contained and the others are told', () => {
    const { cache, errors } = make((object) => {
      if (object.metadata.name === 'bad') {
        throw new Error('no');
      }
      return object;
    });
    const seen: string[] = [];
    cache.subscribe(() => {
      throw new Error('handler');
    });
    const unsubscribe = cache.subscribe((_before, after) => seen.push(after?.metadata.name ?? ''));
    cache.replace('', [at('bad', 1), at('good', 2)], '10');
    unsubscribe();
    cache.put(at('late', 11));
    expect(seen).toEqual(['bad', 'good']);
    expect(errors()).toBe(4);
  });

  test('objects are transformed and frozen through and through', () => {
    const { cache } = make((object) => ({ ...object, metadata: { ...object.metadata, managedFields: [] } }));
    cache.put(at('a', 1, 'x'));
    const kept = cache.get({ namespace: 'default', name: 'a' }) as Thing & { spec: { owner: string } };
    expect(kept.metadata.managedFields).toEqual([]);
    expect(() => {
      kept.spec.owner = 'y';
    }).toThrow(TypeError);
  });

  test('indexes hold exactly what the objects say, whatever happened', () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      owner: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
      do: fc.constantFrom('put' as const, 'drop' as const, 'list' as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { cache } = make();
        let version = 0;
        for (const { name, owner, do: what } of steps) {
          version += 1;
          if (what === 'put') {
            cache.put(at(name, version, owner));
          } else if (what === 'drop') {
            cache.drop(at(name, version));
          } else {
            cache.replace('', [at(name, version, owner)], String(version));
          }
          for (const value of ['x', 'y']) {
            const expected = cache.list().filter((one) => one.spec?.owner === value);
            expect(cache.byIndex('owner', value)).toHaveLength(expected.length);
            expect(cache.byIndex('owner', value)).toEqual(expect.arrayContaining(expected));
          }
        }
      }),
    );
    expect(() => make().cache.byIndex('none', 'x')).toThrow(RangeError);
  });
});
