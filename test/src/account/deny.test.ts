import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { denyPolicyName, denyState, describe as wordsOf, remembered } from '../../../src/account/index.ts';
import {
  disabledTag,
  isDisabledTag,
  rememberTags,
  type SwitchedOff,
} from '../../../src/account/switched-off.ts';

const own = (document: string | undefined) => denyState([{ name: denyPolicyName, document }], []);
const written = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
});

describe('our Deny by its meaning', () => {
  test.each([
    ['as we write it', written],
    ['percent-encoded, as AWS answers', encodeURIComponent(written)],
    ['with other blanks', JSON.stringify(JSON.parse(written), null, 4)],
    ['one statement in place of a list', '{"Statement":{"Effect":"Deny","Action":["*"],"Resource":["*"]}}'],
    ['further actions beside', '{"Statement":[{"Effect":"Deny","Action":["iam:*","*"],"Resource":"*"}]}'],
    [
      'an Allow beside, which a Deny overrules',
      '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}',
    ],
  ])('%s', (_, document) => {
    expect(own(document)).toBe('inline');
  });

  test.each([
    ['an Allow', written.replace('Deny', 'Allow')],
    ['some actions only', written.replace('"Action":"*"', '"Action":"s3:*"')],
    ['some resources only', written.replace('"Resource":"*"', '"Resource":"arn:aws:s3:::*"')],
    ['everything but', written.replace('"Action"', '"NotAction"')],
    [
      'a condition',
      written.replace('"Effect"', '"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}},"Effect"'),
    ],
    ['no statement', '{}'],
    ['an empty list', '{"Statement":[]}'],
    ['nothing', ''],
    ['no JSON', '{'],
    ['a broken encoding', '%7B%'],
    ['null', 'null'],
    ['a document that was not read', undefined],
  ])('%s is not what we wrote', (_, document) => {
    expect(own(document)).toBe('altered');
  });

  test.each([
    ['nothing', [], [], 'absent'],
    ['another policy that denies everything', [{ name: 'other', document: written }], [], 'absent'],
    ['AWSDenyAll', [], ['arn:aws:iam::aws:policy/AWSDenyAll'], 'managed'],
    ['AWSDenyAll of another partition', [], ['arn:aws-us-gov:iam::aws:policy/AWSDenyAll'], 'managed'],
    ['a customer’s policy of that name', [], ['arn:aws:iam::111122223333:policy/AWSDenyAll'], 'absent'],
    ['both', [{ name: denyPolicyName, document: written }], ['arn:aws:iam::aws:policy/AWSDenyAll'], 'inline'],
  ])('%s', (_, inline, attached, expected) => {
    expect(
      denyState(
        inline,
        attached.map((arn) => ({ name: 'x', arn })),
      ),
    ).toBe(expected);
  });
});

const id = fc.string({
  unit: fc.constantFrom(...'ABCDEFGHIJ0123456789'.split('')),
  minLength: 16,
  maxLength: 24,
});
const item: fc.Arbitrary<SwitchedOff> = fc.oneof(
  fc.constant<SwitchedOff>({ kind: 'console' }),
  fc.constant<SwitchedOff>({ kind: 'managedDeny' }),
  fc.record({ kind: fc.constantFrom('accessKey', 'sshKey', 'certificate', 'serviceCredential'), id }),
);

describe('what was switched off, in tags', () => {
  test('is read back in its order, and AWS takes every tag', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), (items) => {
        const tags = rememberTags(items);
        expect(remembered([{ key: 'city', value: 'console' }, ...tags])).toEqual(items);
        expect(tags.filter(({ value }) => value.length > 256 || !/^[\w/ -]+$/.test(value))).toEqual([]);
        expect(tags.every(({ key }) => isDisabledTag(key))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('says that there was a disable also where there was nothing to switch off', () => {
    expect(rememberTags([])).toEqual([{ key: disabledTag, value: 'v1' }]);
    expect(remembered(rememberTags([]))).toEqual([]);
    expect(remembered([{ key: 'aws.idhub.io/owner', value: 'x' }])).toBeUndefined();
  });

  test.each([
    ['aws.idhub.io/disabled', true],
    ['AWS.idhub.io/DISABLED', true],
    ['aws.idhub.io/disabled.2', true],
    ['aws.idhub.io/disabledby', false],
    ['aws.idhub.io/owner', false],
    ['disabled', false],
  ])('%s is one of them: %s', (key, expected) => {
    expect(isDisabledTag(key)).toBe(expected);
  });

  test('words that a newer version wrote are passed over, not taken for something else', () => {
    expect(remembered([{ key: disabledTag, value: 'v2 console passkey/X key/AKIA1 ' }])).toEqual([
      { kind: 'console' },
      { kind: 'accessKey', id: 'AKIA1' },
    ]);
  });

  test.each<[SwitchedOff, string]>([
    [{ kind: 'console' }, 'console password'],
    [{ kind: 'managedDeny' }, 'policy AWSDenyAll'],
    [{ kind: 'accessKey', id: 'A' }, 'access key A'],
    [{ kind: 'sshKey', id: 'A' }, 'SSH public key A'],
    [{ kind: 'certificate', id: 'A' }, 'signing certificate A'],
    [{ kind: 'serviceCredential', id: 'A' }, 'service-specific credential A'],
  ])('%j is told as "%s"', (each, words) => {
    expect(wordsOf(each)).toBe(words);
  });
});
