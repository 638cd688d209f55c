import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Applied } from '../../../../src/account/index.ts';
import { lacksUserId, memoryOf, writeApplied } from '../../../../operator/controllers/account/memory.ts';
import { account } from '../material.ts';

const applied: Applied = {
  account: '111122223333',
  userName: 'jo',
  tags: ['city'],
  boundary: 'arn:aws:iam::111122223333:policy/B',
  written: { city: 'abc' },
  since: 7,
};

const noted = (annotations: Record<string, string>, more = {}) =>
  account({ metadata: { annotations }, ...more });

describe('what an object remembers', () => {
  test.each([
    ['nothing', account(), { userId: undefined, applied: undefined }],
    ['the unique id', noted({ 'aws.idhub.io/user-id': 'A' }), { userId: 'A', applied: undefined }],
    ['no id any more', noted({ 'aws.idhub.io/user-id': '' }), { userId: undefined, applied: undefined }],
    [
      'what was declared',
      noted({ 'aws.idhub.io/applied': writeApplied(applied) }),
      { userId: undefined, applied },
    ],
    // The status may be lost, or speak of a user that is not ours.
    [
      'nothing of what only the status says',
      account({ status: { userId: 'A' } }),
      { userId: undefined, applied: undefined },
    ],
  ])('%s', (_, object, expected) => {
    expect(memoryOf(object)).toEqual(expected);
  });

  test('is written down and read back', () => {
    const texts = fc.string({ maxLength: 20 });
    const any: fc.Arbitrary<Applied> = fc.record({
      account: texts,
      userName: texts,
      tags: fc.array(texts, { maxLength: 5 }),
      boundary: fc.option(texts, { nil: null }),
      written: fc.dictionary(
        texts.filter((key) => key !== '__proto__'),
        texts,
        { maxKeys: 4, noNullPrototype: true },
      ),
      since: fc.nat(),
    });
    fc.assert(
      fc.property(any, (each) => {
        expect(memoryOf(noted({ 'aws.idhub.io/applied': writeApplied(each) })).applied).toEqual(each);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['', undefined],
    ['{', undefined],
    ['null', undefined],
    ['7', undefined],
    ['[]', undefined],
    ['{}', undefined],
    ...(['account', 'userName', 'tags', 'boundary', 'written', 'since'] as const).map((field) => {
      const { [field]: _gone, ...left } = applied;
      return [JSON.stringify(left), undefined] as const;
    }),
    ...(['account', 'userName', 'tags', 'since'] as const).map(
      (field) => [JSON.stringify({ ...applied, [field]: null }), undefined] as const,
    ),
    [JSON.stringify({ ...applied, tags: 'city' }), undefined],
    [JSON.stringify({ ...applied, since: '7' }), undefined],
  ])('that somebody spoilt is none: %s', (text, expected) => {
    expect(memoryOf(noted({ 'aws.idhub.io/applied': text })).applied).toBe(expected);
  });

  test('lacks the unique id until the annotation has it', () => {
    expect(lacksUserId(account({ status: { userId: 'A' } }), 'A')).toBe(true);
    expect(lacksUserId(noted({ 'aws.idhub.io/user-id': 'B' }), 'A')).toBe(true);
    expect(lacksUserId(noted({ 'aws.idhub.io/user-id': 'A' }), 'A')).toBe(false);
  });
});
