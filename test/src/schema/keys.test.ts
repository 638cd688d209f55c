import { expect, test } from '@jest/globals';
import { accountSchema, type AttributeChange } from '../../../src/schema/index.ts';

test.each<[string, AttributeChange[], string]>([
  // streetAddress of 1,024 characters is written to streetAddress, streetAddress.2, streetAddress.3 …
  ['a tag that is a part of another attribute', [{ name: 'floor', tagKey: 'streetAddress.2' }], ''],
  [
    'a tag that is a part of another attribute in other case',
    [{ name: 'floor', tagKey: 'STREETADDRESS.2' }],
    '',
  ],
  // IAM API reference, Tag: a key has at most 128 characters; the schema of the CRD allows 64 and 100.
  ['a tag key over 128 characters', [{ name: 'floor', tagKey: 'f'.repeat(100) }], 'p'.repeat(64)],
])('the schema refuses %s', (_, changes, prefix) => {
  expect(accountSchema(changes, prefix).problems).toHaveLength(1);
});
