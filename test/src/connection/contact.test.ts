import { describe, expect, test } from '@jest/globals';
import { defaultUserQuotas, readAccountFacts, readCaller } from '../../../src/connection/index.ts';
import { answering } from '../answering.ts';

const options = { signal: new AbortController().signal };

describe('whose the credentials are', () => {
  test.each([
    ['arn:aws:iam::111122223333:user/idhub', 'aws', 'idhub'],
    ['arn:aws:iam::111122223333:user/service/accounts/idhub', 'aws', 'idhub'],
    ['arn:aws-us-gov:iam::111122223333:user/idhub', 'aws-us-gov', 'idhub'],
    ['arn:aws-cn:iam::111122223333:user/idhub', 'aws-cn', 'idhub'],
    ['arn:aws:sts::111122223333:assumed-role/connector/session', 'aws', undefined],
    ['arn:aws:iam::111122223333:root', 'aws', undefined],
    ['arn:aws:sts::111122223333:federated-user/idhub', 'aws', undefined],
  ])('%s', async (arn, partition, userName) => {
    const api = answering({
      GetCallerIdentity: () => ({ Account: '111122223333', Arn: arn, UserId: 'AIDA1' }),
    });
    const userId = userName === undefined ? undefined : 'AIDA1';
    expect(await readCaller(api, options)).toEqual({
      accountId: '111122223333',
      arn,
      partition,
      userName,
      userId,
    });
  });

  test('an answer without an account is an error, not an unknown account', async () => {
    await expect(readCaller(answering({ GetCallerIdentity: () => ({}) }), options)).rejects.toThrow(
      /without an account/,
    );
  });
});

describe('the account’s own name and what is used of it', () => {
  test.each([
    [
      'everything',
      { AccountAliases: ['acme'] },
      {
        SummaryMap: {
          Users: 7,
          UsersQuota: 5000,
          Groups: 2,
          GroupsQuota: 300,
          Policies: 1,
          PoliciesQuota: 1500,
          MFADevices: 3,
        },
      },
      {
        alias: 'acme',
        quotas: {
          users: { used: 7, quota: 5000 },
          groups: { used: 2, quota: 300 },
          policies: { used: 1, quota: 1500 },
        },
      },
    ],
    [
      'no alias, and one quota',
      { AccountAliases: [] },
      { SummaryMap: { UsersQuota: 5000 } },
      { alias: undefined, quotas: { users: { used: 0, quota: 5000 } } },
    ],
    ['nothing', {}, {}, { alias: undefined, quotas: {} }],
  ])('%s', async (_, aliases, summary, expected) => {
    const api = answering({ ListAccountAliases: () => aliases, GetAccountSummary: () => summary });
    expect(await readAccountFacts(api, options)).toEqual({ ...expected, perUser: defaultUserQuotas });
  });
});
