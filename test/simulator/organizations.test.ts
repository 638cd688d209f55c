import { expect, test } from '@jest/globals';
import { bench, code, policyDocument } from './harness.ts';

const ids = ['111111111111', '222222222222', '333333333333'] as const;
const scp = {
  name: 'deny-leaving',
  document: policyDocument({ Effect: 'Deny', Action: 'organizations:LeaveOrganization', Resource: '*' }),
  targets: ['Production/Payments', '333333333333'],
};
const ORGANIZATION = {
  accounts: ids.map((id) => ({ id })),
  organizations: {
    delegatedAdministrators: ['222222222222'],
    units: { 'Production/Payments': ['222222222222'] },
    members: Array.from({ length: 22 }, (_, index) => ({
      id: String(400_000_000_000 + index),
      name: `member-${index}`,
      ...(index === 0 ? { status: 'SUSPENDED' as const } : {}),
    })),
    serviceControlPolicies: [scp],
  },
};

test('accounts come in pages of 20, with name, e-mail and status', async () => {
  const { organizations } = await bench(ORGANIZATION);
  const first = await organizations.listAccounts({});
  expect(first.Accounts).toHaveLength(20);
  const second = await organizations.listAccounts({ NextToken: first.NextToken });
  expect(second.Accounts).toHaveLength(5);
  expect(second.NextToken).toBeUndefined();
  const suspended = [...(first.Accounts ?? []), ...(second.Accounts ?? [])].filter(
    ({ Status }) => Status === 'SUSPENDED',
  );
  expect(suspended.map(({ Name }) => Name)).toEqual(['member-0']);
  expect((await organizations.describeAccount({ AccountId: ids[1] })).Account).toMatchObject({
    Id: ids[1],
    Arn: `arn:aws:organizations::${ids[0]}:account/o-simulator1/${ids[1]}`,
    Email: `aws+${ids[1]}@example.com`,
    Status: 'ACTIVE',
    JoinedTimestamp: expect.any(Date),
  });
  expect(await code(organizations.describeAccount({ AccountId: '999999999999' }))).toBe(
    'AccountNotFoundException',
  );
});

test('short and empty pages have more to come', async () => {
  const { organizations } = await bench({ ...ORGANIZATION, shortPages: true });
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const page = await organizations.listAccounts(NextToken === undefined ? {} : { NextToken });
    sizes.push(page.Accounts?.length ?? 0);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(sizes).toEqual([7, 0, 18]);
});

test('the tree is walked from the root and from an account, with the policies on each', async () => {
  const { organizations } = await bench(ORGANIZATION);
  const { Roots } = await organizations.listRoots({});
  const ParentId = Roots?.[0]?.Id;
  const { OrganizationalUnits } = await organizations.listOrganizationalUnitsForParent({ ParentId });
  expect(OrganizationalUnits?.map(({ Name }) => Name)).toEqual(['Production']);
  const { Parents } = await organizations.listParents({ ChildId: ids[1] });
  const unit = Parents?.[0]?.Id;
  expect(Parents?.[0]?.Type).toBe('ORGANIZATIONAL_UNIT');
  expect(
    (await organizations.describeOrganizationalUnit({ OrganizationalUnitId: unit })).OrganizationalUnit?.Name,
  ).toBe('Payments');
  expect(
    (await organizations.listAccountsForParent({ ParentId: unit })).Accounts?.map(({ Id }) => Id),
  ).toEqual([ids[1]]);
  const children = { ParentId: OrganizationalUnits?.[0]?.Id, ChildType: 'ORGANIZATIONAL_UNIT' as const };
  expect((await organizations.listChildren(children)).Children).toEqual([
    { Id: unit, Type: 'ORGANIZATIONAL_UNIT' },
  ]);
  const policies = async (
    TargetId: string | undefined,
  ): Promise<readonly (string | undefined)[] | undefined> =>
    (await organizations.listPoliciesForTarget({ TargetId, Filter: 'SERVICE_CONTROL_POLICY' })).Policies?.map(
      ({ Name }) => Name,
    );
  expect(await policies(ids[0])).toEqual(['FullAWSAccess']);
  expect(await policies(unit)).toEqual(['FullAWSAccess', 'deny-leaving']);
  expect(await policies(ids[2])).toEqual(['FullAWSAccess', 'deny-leaving']);
  expect(await code(policies('ou-none-12345678'))).toBe('TargetNotFoundException');
  expect((await organizations.describePolicy({ PolicyId: 'p-00000001' })).Policy?.Content).toBe(scp.document);
});

test('only the management account and delegated administrators may ask', async () => {
  const { organizations, simulator, as } = await bench(ORGANIZATION);
  const [, delegated, member] = simulator.accounts;
  expect((await organizations.describeOrganization({})).Organization?.MasterAccountId).toBe(ids[0]);
  expect(
    await code(as(delegated ?? { accessKeyId: '', secretAccessKey: '' }).organizations.listAccounts({})),
  ).toBe('OK');
  const other = as(member ?? { accessKeyId: '', secretAccessKey: '' }).organizations;
  expect(await code(other.listAccounts({}))).toBe('AccessDeniedException');
  expect(await code(other.describeOrganization({}))).toBe('OK');
});

test('without an organisation everything is AWSOrganizationsNotInUse', async () => {
  const { organizations } = await bench();
  expect(await code(organizations.describeOrganization({}))).toBe('AWSOrganizationsNotInUseException');
  expect(await code(organizations.listAccounts({}))).toBe('AWSOrganizationsNotInUseException');
});
