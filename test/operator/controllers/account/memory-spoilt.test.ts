import { expect, test } from '@jest/globals';
import type { Applied } from '../../../../src/account/index.ts';
import { memoryOf } from '../../../../operator/controllers/account/memory.ts';
import { account } from '../material.ts';

const applied: Applied = {
  account: '111122223333',
  userName: 'jo',
  tags: ['city'],
  boundary: 'arn:aws:iam::111122223333:policy/B',
  written: { city: 'abc' },
  since: 7,
};

test.each([
  { ...applied, written: null },
  { ...applied, written: ['x'] },
  { ...applied, written: { city: 7 } },
  { ...applied, tags: [7] },
])('a memory that somebody spoilt deep inside is none: %j', (spoilt) => {
  const annotations = { 'aws.idhub.io/applied': JSON.stringify(spoilt) };
  expect(memoryOf(account({ metadata: { annotations } })).applied).toBeUndefined();
});
