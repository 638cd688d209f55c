import type * as Sdk from '@aws-sdk/client-organizations';
import { AwsError } from '../errors.ts';
import { handlerTable, type HandlersOf } from '../handlers.ts';
import type { Account } from '../state/index.ts';
import type { Member, OrganizationModel, Policy, Unit } from './model.ts';

export interface OrganizationsContext {
  readonly account: Account;
  readonly organization: OrganizationModel;
  readonly shortPages: boolean;
}

type Operations =
  | 'DescribeOrganization'
  | 'ListAccounts'
  | 'DescribeAccount'
  | 'ListRoots'
  | 'ListParents'
  | 'ListChildren'
  | 'ListAccountsForParent'
  | 'ListOrganizationalUnitsForParent'
  | 'DescribeOrganizationalUnit'
  | 'ListPolicies'
  | 'ListPoliciesForTarget'
  | 'ListTargetsForPolicy'
  | 'DescribePolicy'
  | 'ListDelegatedAdministrators'
  | 'ListTagsForResource';

/** Organizations pages by 20 (MaxResults, API reference). */
const PAGE = 20;

const notInUse = (): AwsError =>
  new AwsError('AWSOrganizationsNotInUseException', 'Your account is not a member of an organization.');

/** The organisation the account is a member of. Members may describe it; all else is the administrators'. */
export function organizationFor(
  organization: OrganizationModel | undefined,
  account: Account,
  operation: string,
): OrganizationModel {
  if (organization === undefined || !organization.members.has(account.id)) {
    throw notInUse();
  }
  const administers = account.id === organization.managementId || organization.delegated.has(account.id);
  if (!administers && operation !== 'DescribeOrganization') {
    throw new AwsError('AccessDeniedException', "You don't have permissions to access this resource.");
  }
  return organization;
}

function paged<T>(
  items: readonly T[],
  input: { readonly NextToken?: string | undefined; readonly MaxResults?: number | undefined },
  { shortPages }: OrganizationsContext,
): { readonly items: readonly T[]; readonly next: { readonly NextToken?: string } } {
  const [start = 0, pages = 0] = (input.NextToken ?? '0-0').split('-').map(Number);
  if (!Number.isInteger(start) || !Number.isInteger(pages)) {
    throw new AwsError('InvalidInputException', 'You provided an invalid value for NextToken.');
  }
  const limit = Math.min(input.MaxResults ?? PAGE, PAGE);
  const size =
    shortPages && pages % 3 === 0 ? Math.ceil(limit / 3) : shortPages && pages % 3 === 1 ? 0 : limit;
  const end = start + size;
  const next = end < items.length ? { NextToken: `${end}-${pages + 1}` } : {};
  return { items: items.slice(start, end), next };
}

function accountShape(organization: OrganizationModel, member: Member) {
  return {
    Id: member.id,
    Arn: organization.arn(`account/${organization.id}/${member.id}`),
    Email: member.email,
    Name: member.name,
    Status: member.status,
    JoinedMethod: member.id === organization.managementId ? ('INVITED' as const) : ('CREATED' as const),
    JoinedTimestamp: new Date(organization.joinedAt),
  };
}

const unitShape = (organization: OrganizationModel, unit: Unit) => ({
  Id: unit.id,
  Arn: organization.arn(`ou/${organization.id}/${unit.id}`),
  Name: unit.name,
});

const policySummary = (organization: OrganizationModel, policy: Policy) => ({
  Id: policy.id,
  Arn: policy.aws
    ? `arn:${organization.partition}:organizations::aws:policy/service_control_policy/${policy.id}`
    : organization.arn(`policy/${organization.id}/service_control_policy/${policy.id}`),
  Name: policy.name,
  Type: 'SERVICE_CONTROL_POLICY' as const,
  AwsManaged: policy.aws,
});

function childrenOf(organization: OrganizationModel, parentId: string) {
  if (parentId !== organization.rootId && !organization.units.has(parentId)) {
    throw new AwsError('ParentNotFoundException', `You specified a parent that doesn't exist: ${parentId}`);
  }
  return {
    accounts: [...organization.members.values()].filter((member) => member.parentId === parentId),
    units: [...organization.units.values()].filter((unit) => unit.parentId === parentId),
  };
}

const servicePolicies = (organization: OrganizationModel, filter: string | undefined): readonly Policy[] =>
  filter === 'SERVICE_CONTROL_POLICY' ? [...organization.policies.values()] : [];

function policyNamed(organization: OrganizationModel, id: string | undefined): Policy {
  const policy = organization.policies.get(id ?? '');
  if (policy === undefined) {
    throw new AwsError('PolicyNotFoundException', "You specified a policy that doesn't exist.");
  }
  return policy;
}

const operations: HandlersOf<typeof Sdk, OrganizationsContext, Operations> = {
  DescribeOrganization({ organization }) {
    const management = organization.members.get(organization.managementId);
    return {
      Organization: {
        Id: organization.id,
        Arn: organization.arn(`organization/${organization.id}`),
        FeatureSet: 'ALL',
        MasterAccountArn: organization.arn(`account/${organization.id}/${organization.managementId}`),
        MasterAccountId: organization.managementId,
        MasterAccountEmail: management?.email,
        AvailablePolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }],
      },
    };
  },

  ListAccounts(context, input) {
    const { organization } = context;
    const { items, next } = paged([...organization.members.values()], input, context);
    return { Accounts: items.map((member) => accountShape(organization, member)), ...next };
  },

  DescribeAccount({ organization }, input) {
    const member = organization.members.get(input.AccountId ?? '');
    if (member === undefined) {
      throw new AwsError('AccountNotFoundException', "You specified an account that doesn't exist.");
    }
    return { Account: accountShape(organization, member) };
  },

  ListRoots({ organization }) {
    return {
      Roots: [
        {
          Id: organization.rootId,
          Arn: organization.arn(`root/${organization.id}/${organization.rootId}`),
          Name: 'Root',
          PolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }],
        },
      ],
    };
  },

  ListParents({ organization }, input) {
    const id = input.ChildId ?? '';
    const child = organization.members.get(id) ?? organization.units.get(id);
    if (child === undefined) {
      throw new AwsError('ChildNotFoundException', "You specified a child that doesn't exist.");
    }
    const Type = child.parentId === organization.rootId ? 'ROOT' : 'ORGANIZATIONAL_UNIT';
    return { Parents: [{ Id: child.parentId, Type }] };
  },

  ListChildren(context, input) {
    const { accounts, units } = childrenOf(context.organization, input.ParentId ?? '');
    const Type = input.ChildType ?? 'ACCOUNT';
    const all = (Type === 'ACCOUNT' ? accounts : units).map(({ id }) => ({ Id: id, Type }));
    const { items, next } = paged(all, input, context);
    return { Children: [...items], ...next };
  },

  ListAccountsForParent(context, input) {
    const { organization } = context;
    const { items, next } = paged(childrenOf(organization, input.ParentId ?? '').accounts, input, context);
    return { Accounts: items.map((member) => accountShape(organization, member)), ...next };
  },

  ListOrganizationalUnitsForParent(context, input) {
    const { organization } = context;
    const { items, next } = paged(childrenOf(organization, input.ParentId ?? '').units, input, context);
    return { OrganizationalUnits: items.map((unit) => unitShape(organization, unit)), ...next };
  },

  DescribeOrganizationalUnit({ organization }, input) {
    const unit = organization.units.get(input.OrganizationalUnitId ?? '');
    if (unit === undefined) {
      throw new AwsError('OrganizationalUnitNotFoundException', "You specified an OU that doesn't exist.");
    }
    return { OrganizationalUnit: unitShape(organization, unit) };
  },

  ListPolicies(context, input) {
    const { organization } = context;
    const { items, next } = paged(servicePolicies(organization, input.Filter), input, context);
    return { Policies: items.map((policy) => policySummary(organization, policy)), ...next };
  },

  ListPoliciesForTarget(context, input) {
    const { organization } = context;
    const id = input.TargetId ?? '';
    if (id !== organization.rootId && !organization.members.has(id) && !organization.units.has(id)) {
      throw new AwsError('TargetNotFoundException', "You specified a target that doesn't exist.");
    }
    const all = servicePolicies(organization, input.Filter).filter(({ targets }) => targets.has(id));
    const { items, next } = paged(all, input, context);
    return { Policies: items.map((policy) => policySummary(organization, policy)), ...next };
  },

  ListTargetsForPolicy(context, input) {
    const { organization } = context;
    const { items, next } = paged([...policyNamed(organization, input.PolicyId).targets], input, context);
    return {
      Targets: items.map((id) => ({
        TargetId: id,
        Name: organization.members.get(id)?.name ?? organization.units.get(id)?.name ?? 'Root',
        Type: organization.members.has(id)
          ? ('ACCOUNT' as const)
          : organization.units.has(id)
            ? ('ORGANIZATIONAL_UNIT' as const)
            : ('ROOT' as const),
      })),
      ...next,
    };
  },

  DescribePolicy({ organization }, input) {
    const policy = policyNamed(organization, input.PolicyId);
    return { Policy: { PolicySummary: policySummary(organization, policy), Content: policy.document } };
  },

  ListDelegatedAdministrators(context, input) {
    const { organization } = context;
    const all = [...organization.delegated].flatMap((id) => organization.members.get(id) ?? []);
    const { items, next } = paged(all, input, context);
    return {
      DelegatedAdministrators: items.map((member) =>
        Object.assign(accountShape(organization, member), {
          DelegationEnabledDate: new Date(organization.joinedAt),
        }),
      ),
      ...next,
    };
  },

  ListTagsForResource() {
    return { Tags: [] };
  },
};

/** Operations that the extract of botocore's model leaves out; their handlers look at their input themselves. */
export const UNMODELLED: ReadonlySet<string> = new Set([
  'ListRoots',
  'ListOrganizationalUnitsForParent',
  'DescribeOrganizationalUnit',
  'ListPolicies',
  'ListTargetsForPolicy',
  'DescribePolicy',
  'ListDelegatedAdministrators',
  'ListTagsForResource',
]);

/** Every operation of Organizations that the simulator has. */
export const organizationsHandlers = handlerTable<OrganizationsContext>(operations);
