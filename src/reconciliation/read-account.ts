import { denyState, type ObservedUser } from '../account/index.ts';
import { inlinePolicy } from '../entitlement/index.ts';
import { powerArn, powerOf } from '../guard/index.ts';
import { fold } from '../schema/index.ts';
import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { CredentialReport, CredentialReports } from './credential-report.ts';

/** A group, and the policies that its members inherit. */
export interface GroupPolicies {
  readonly group: string;
  /** The unique id: `AGPA…`. */
  readonly id: string;
  readonly arn: string;
  /** ARNs of attached policies, and `inline/<name>` for the group's own. */
  readonly policies: readonly string[];
  /** ARNs of the policies of AWS that its own inline policies amount to, such as that of AdministratorAccess. */
  readonly powers?: readonly string[];
}

/** What is read beside the users, and may be refused. */
export type Unread = 'passwordLastUsed' | 'credentials';

/** Everything read of an account, complete. */
export interface AccountReading {
  readonly users: readonly ObservedUser[];
  /** By name, folded as IAM compares names. */
  readonly groups: ReadonlyMap<string, GroupPolicies>;
  /** Undefined where it cannot be read. */
  readonly credentials?: CredentialReport | undefined;
  /** What could not be read, and why; absent where all of it was. */
  readonly unread?: ReadonlyMap<Unread, string>;
  /** Calls to AWS that the reading took. */
  readonly pages: number;
}

export interface ReadingOptions extends CallOptions {
  /** Items a page, 1 to 1,000. */
  readonly pageSize: number;
  /** Also read when passwords were last used (`settings.passwordLastUsed`). */
  readonly passwordLastUsed: boolean;
  /** Where the credential report of this AWS account comes from. */
  readonly reports?: CredentialReports;
}

/**
 * Reads a whole account, to the last page; any fault on the way is thrown, so that a part is never
 * taken for the whole. `GetAccountAuthorizationDetails` is the one call that carries tags, boundary,
 * groups and policies of 1,000 users at a time (IAM API reference).
 */
export async function readAccount(api: AwsApi, options: ReadingOptions): Promise<AccountReading> {
  const users: ObservedUser[] = [];
  const groups = new Map<string, GroupPolicies>();
  let count = 0;
  // AWS makes it while the rest is read.
  await options.reports?.begin(api, options);
  const input = { Filter: ['User' as const, 'Group' as const], MaxItems: options.pageSize };
  for await (const page of pages(api, 'GetAccountAuthorizationDetails', input, options)) {
    count += 1;
    for (const user of page.UserDetailList ?? []) {
      const attachedPolicies = (user.AttachedManagedPolicies ?? []).map((policy) => ({
        name: policy.PolicyName ?? '',
        arn: policy.PolicyArn ?? '',
      }));
      const inline = (user.UserPolicyList ?? []).map((policy) => ({
        name: policy.PolicyName ?? '',
        document: policy.PolicyDocument,
      }));
      users.push({
        userName: user.UserName ?? '',
        userId: user.UserId ?? '',
        arn: user.Arn ?? '',
        path: user.Path ?? '/',
        createdAt: user.CreateDate?.getTime() ?? 0,
        tags: (user.Tags ?? []).map((tag) => ({ key: tag.Key ?? '', value: tag.Value ?? '' })),
        boundary: user.PermissionsBoundary?.PermissionsBoundaryArn,
        deny: denyState(inline, attachedPolicies),
        groups: user.GroupList ?? [],
        attachedPolicies,
        inlinePolicies: inline.map((policy) => inlinePolicy(policy.name, policy.document ?? '')),
        passwordLastUsed: undefined,
      });
    }
    for (const group of page.GroupDetailList ?? []) {
      const name = group.GroupName ?? '';
      const arn = group.Arn ?? '';
      const own = group.GroupPolicyList ?? [];
      groups.set(fold(name), {
        group: name,
        id: group.GroupId ?? '',
        arn,
        policies: [
          ...(group.AttachedManagedPolicies ?? []).map((policy) => policy.PolicyArn ?? ''),
          ...own.map((policy) => `inline/${policy.PolicyName ?? ''}`),
        ],
        powers: powersOf(
          arn,
          own.map((policy) => policy.PolicyDocument ?? ''),
        ),
      });
    }
  }
  const credentials = await options.reports?.read(api, options);
  if (!options.passwordLastUsed) {
    return { users, groups, credentials, pages: count };
  }
  const lastUsed = new Map<string, number>();
  for await (const page of pages(api, 'ListUsers', { MaxItems: options.pageSize }, options)) {
    count += 1;
    for (const user of page.Users ?? []) {
      if (user.PasswordLastUsed !== undefined) {
        lastUsed.set(user.UserId ?? '', user.PasswordLastUsed.getTime());
      }
    }
  }
  return {
    users: users.map((user) => Object.assign(user, { passwordLastUsed: lastUsed.get(user.userId) })),
    groups,
    credentials,
    pages: count,
  };
}

function powersOf(groupArn: string, documents: readonly string[]): readonly string[] {
  const [, partition = 'aws', , , accountId = ''] = groupArn.split(':');
  const found = documents.flatMap((document) => powerOf(document, { partition, accountId }) ?? []);
  return [...new Set(found)].map((power) => powerArn(power, partition));
}
