import type { AwsApi, CallOptions } from '../aws/index.ts';

/** Who the credentials belong to, from `GetCallerIdentity`. */
export interface Caller {
  readonly accountId: string;
  readonly arn: string;
  readonly partition: string;
  /** The IAM user's name; undefined where the caller is a role's session or the root user. */
  readonly userName: string | undefined;
  /** The IAM user's unique id; undefined where the caller is no IAM user, or AWS does not say. */
  readonly userId: string | undefined;
}

/** An account's own name and how much of it is used (`GetAccountSummary`, `ListAccountAliases`). */
export interface AccountFacts {
  readonly alias: string | undefined;
  readonly quotas: Readonly<Record<string, { readonly used: number; readonly quota: number }>>;
  readonly perUser: UserQuotas;
}

/** What one user can have at most. */
export interface UserQuotas {
  readonly groups: number;
  readonly attachedPolicies: number;
  /** Characters of all inline policies together, white space not counted. */
  readonly inlineSize: number;
  readonly accessKeys: number;
}

/** The quotas that AWS gives by default (IAM user guide, IAM and STS quotas). */
export const defaultUserQuotas: UserQuotas = {
  groups: 10,
  attachedPolicies: 10,
  inlineSize: 2048,
  accessKeys: 2,
};

/** Asks AWS whose the credentials are. Needs no permission. */
export async function readCaller(api: AwsApi, options: CallOptions): Promise<Caller> {
  const { Account: accountId, Arn: arn, UserId: id } = await api.call('GetCallerIdentity', {}, options);
  if (accountId === undefined || arn === undefined) {
    throw new Error('GetCallerIdentity answered without an account');
  }
  const resource = arn.split(':').slice(5).join(':');
  const isUser = resource.startsWith('user/');
  return {
    accountId,
    arn,
    partition: arn.split(':')[1] ?? 'aws',
    userName: isUser ? resource.split('/').at(-1) : undefined,
    userId: isUser ? id : undefined,
  };
}

/** Counts of `GetAccountSummary` and the quota that each is held against. */
const counted: readonly (readonly [name: string, used: string, quota: string])[] = [
  ['users', 'Users', 'UsersQuota'],
  ['groups', 'Groups', 'GroupsQuota'],
  ['policies', 'Policies', 'PoliciesQuota'],
];

export async function readAccountFacts(api: AwsApi, options: CallOptions): Promise<AccountFacts> {
  const { AccountAliases: aliases } = await api.call('ListAccountAliases', {}, options);
  const { SummaryMap: summary = {} } = await api.call('GetAccountSummary', {}, options);
  const figures: Readonly<Record<string, number | undefined>> = summary;
  const quotas: Record<string, { used: number; quota: number }> = {};
  for (const [name, used, quota] of counted) {
    const most = figures[quota];
    if (most !== undefined) {
      quotas[name] = { used: figures[used] ?? 0, quota: most };
    }
  }
  const perUser: UserQuotas = {
    groups: figures['GroupsPerUserQuota'] ?? defaultUserQuotas.groups,
    attachedPolicies: figures['AttachedPoliciesPerUserQuota'] ?? defaultUserQuotas.attachedPolicies,
    inlineSize: figures['UserPolicySizeQuota'] ?? defaultUserQuotas.inlineSize,
    accessKeys: figures['AccessKeysPerUserQuota'] ?? defaultUserQuotas.accessKeys,
  };
  return { alias: aliases?.[0], quotas, perUser };
}
