import { expect, test } from '@jest/globals';
import { accountSchema } from '../../src/schema/index.ts';
import { FakeDirectory } from '../operator/http/scim/fake-directory.ts';
import { accountUrn, serveScim } from '../operator/http/scim/served.ts';
import { groupArn, inGroup } from '../src/idhub/directory.ts';
import { testScim } from './tester.ts';

test('the compliance tester finds nothing wrong, and skips nothing, over a directory in memory', async () => {
  const directory = new FakeDirectory();
  directory.schema = accountSchema([{ name: 'employeeId', maxLength: 64 }], '').schema;
  directory.has({ userName: 'jo', entitlements: [inGroup('readers')] });
  const unlimited = { burst: 1e9, perSecond: 1e9 };
  const { url } = await serveScim({ limits: { perAddress: unlimited, perCaller: unlimited } }, directory);
  const checks = await testScim({
    url: `${url}/scim/v2`,
    authorization: 'Bearer jo-token',
    written: ['Account', 'User'],
    read: ['Entitlement', 'Group'],
    examples: {
      [accountUrn]: {
        'entitlements.value': groupArn('readers'),
        'entitlements.display': 'readers',
        'entitlements.type': 'Group',
      },
    },
  });
  expect(checks.filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
  expect(checks.length).toBeGreaterThan(100);
  // What it made is gone again.
  expect(directory.accounts.map(({ userName }) => userName)).toEqual(['jo']);
}, 300_000);
