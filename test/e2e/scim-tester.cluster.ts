import { CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accountUrn } from '../operator/http/scim/served.ts';
import { tableOf, testScim } from '../scim/tester.ts';
import { eventually } from '../support/process.ts';
import { portUrl, PortClient, untilListed, writeCallers } from './port.ts';
import { patch, snapshotEvery, worldFor } from './support.ts';

const namespace = 'e2e-scim-tester';
const secret = 'e2e-scim-tester';
const token = 'e2e-scim-tester-token-0123456789';
const world = worldFor(namespace, {
  operator: [
    snapshotEvery,
    `--http-auth-secret=${secret}`,
    `--default-connection=${namespace}/aws`,
    '--http-caller-rate=1000',
    '--http-shutout-burst=0',
  ],
});

beforeAll(async () => {
  await writeCallers(world(), secret, { 'token.tester': token });
  for (const GroupName of ['readers', 'auditors']) {
    await world().iam.send(new CreateGroupCommand({ GroupName }));
  }
  await world().iam.send(new CreateUserCommand({ UserName: 'somebody' }));
  // The tester writes 36 characters to whatever is a text; the guide has 16 for this one.
  await patch(
    world(),
    'aws',
    { spec: { schema: { attributes: [{ name: 'employeeId', maxLength: 64 }] } } },
    'awsconnection',
  );
  await world().until('awsconnection', 'aws', { status: 'True' });
});
/**
 * The tester deletes what it makes, more than the 20 users that go at once: somebody is there who approves it. An
 * approval is for what was deleted until then, so it is given again and again.
 */
const testing = new AbortController();
const approving = async (): Promise<void> => {
  for (let count = 0; !testing.signal.aborted; count += 1) {
    const approval = { 'aws.idhub.io/approve-deletions': `the tester, ${count}` };
    await patch(world(), 'aws', { metadata: { annotations: approval } }, 'awsconnection');
    await setTimeout(1_000, undefined, { signal: testing.signal }).catch(() => undefined);
  }
};
let approved: Promise<void> = Promise.resolve();
beforeAll(() => {
  approved = approving();
});

afterAll(async () => {
  testing.abort();
  await approved;
  await writeCallers(world(), secret, undefined);
});

/**
 * A disabled account has no password, and the tester writes at random whether one is active: so it is once not told
 * that passwords are written, and once that `active` is.
 */
test.each([
  ['without passwords', ['password'], ['Entitlement', 'Group']],
  ['with passwords', ['active'], []],
])(
  'the compliance tester finds nothing wrong, and skips nothing, on a running connector: %s',
  async (_which, withheld, read) => {
    const url = await portUrl(world().operator);
    const authorization = `Bearer ${token}`;
    const client = new PortClient({ url, authorization });
    await untilListed(client);
    // A reading may have begun before the group was made.
    const readers = await eventually(
      async () => {
        const { Resources } = await client.json<{
          readonly Resources: readonly { readonly entitlementArn: string }[];
        }>('GET', '/scim/v2/Entitlement?filter=displayName eq "readers"');
        return Resources[0]?.entitlementArn;
      },
      { withinMs: 60_000, what: 'the group "readers" to be listed' },
    );
    const checks = await testScim({
      url: `${url}/scim/v2`,
      authorization,
      written: ['Account', 'User'],
      read,
      withheld,
      examples: {
        [accountUrn]: {
          'entitlements.value': readers,
          'entitlements.display': 'readers',
          'entitlements.type': 'Group',
        },
      },
    });
    process.stdout.write(`\n${tableOf(checks)}\n`);
    expect(checks.filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
    expect(checks.length).toBeGreaterThan(140);
  },
  900_000,
);
