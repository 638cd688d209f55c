import { setImmediate as nextTurn } from 'node:timers/promises';
import { denyState, type AttachedPolicy, type InlinePolicy, type ObservedUser } from '../account/index.ts';
import { pages, type AwsApi, type CallOptions, type OutputOf } from '../aws/index.ts';
import { inlinePolicy } from '../entitlement/index.ts';
import { powerArn, powerOf } from '../guard/index.ts';
import { fold, type Tag } from '../schema/index.ts';
import { IncompleteReadingError } from './incomplete.ts';
import { Texts } from './texts.ts';

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

/** The users and groups of an account. */
export interface Details {
  /** By unique id: a user that is changed meanwhile may be shown twice. */
  readonly users: ReadonlyMap<string, ObservedUser>;
  /** By name, folded as IAM compares names. */
  readonly groups: ReadonlyMap<string, GroupPolicies>;
  readonly pages: number;
}

type Page = OutputOf<'GetAccountAuthorizationDetails'>;
type UserDetail = NonNullable<Page['UserDetailList']>[number];
type GroupDetail = NonNullable<Page['GroupDetailList']>[number];
type PolicyDetail = NonNullable<UserDetail['UserPolicyList']>[number];

/**
 * Users with tags, boundary, groups and policies, and groups with theirs, to the last page.
 * @throws {AwsError} where a page is missing
 * @throws {IncompleteReadingError} where AWS shows somebody without a name or an id
 */
export async function readDetails(
  api: AwsApi,
  options: CallOptions & { readonly pageSize: number },
): Promise<Details> {
  const users = new Map<string, ObservedUser>();
  const groups = new Map<string, GroupPolicies>();
  const scribe = new Scribe();
  let count = 0;
  const input = { Filter: ['User' as const, 'Group' as const], MaxItems: options.pageSize };
  for await (const page of pages(api, 'GetAccountAuthorizationDetails', input, options)) {
    // The SDK has just parsed up to a thousand users in one go: whoever waited for that goes first.
    await nextTurn();
    count += 1;
    for (const detail of page.UserDetailList ?? []) {
      const user = scribe.user(detail);
      users.set(user.userId, user);
    }
    for (const detail of page.GroupDetailList ?? []) {
      const group = scribe.group(detail);
      groups.set(fold(group.group), group);
    }
  }
  return { users, groups, pages: count };
}

/** What most users have none of. */
const none: readonly never[] = [];

/** Writes down what is kept of an answer: little, and nothing of the answer itself. */
class Scribe {
  readonly #texts = new Texts();
  readonly #attached = new Map<string, AttachedPolicy>();
  /** By name and document: many users have the same. */
  readonly #inline = new Map<string, InlinePolicy>();

  user(detail: UserDetail): ObservedUser {
    const { UserName: userName, UserId: userId, Arn: arn } = detail;
    if (userName === undefined || userId === undefined || arn === undefined) {
      throw new IncompleteReadingError('AWS shows a user without a name, an id or an ARN');
    }
    const texts = this.#texts;
    const inline = detail.UserPolicyList ?? [];
    const attachedPolicies = this.#attachedTo(detail);
    const boundary = detail.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      userName: texts.own(userName),
      userId: texts.own(userId),
      arn: texts.own(arn),
      path: texts.shared(detail.Path ?? '/'),
      createdAt: detail.CreateDate?.getTime() ?? 0,
      tags: kept(detail.Tags, (tag): Tag => {
        return { key: texts.shared(tag.Key ?? ''), value: texts.own(tag.Value ?? '') };
      }),
      boundary: boundary === undefined ? undefined : texts.shared(boundary),
      deny: denyState(
        inline.map(({ PolicyName: name = '', PolicyDocument: document }) => ({ name, document })),
        attachedPolicies,
      ),
      groups: kept(detail.GroupList, (group) => texts.shared(group)),
      attachedPolicies,
      inlinePolicies: kept(inline, (policy) => this.#inlinePolicy(policy)),
      passwordLastUsed: undefined,
    };
  }

  group(detail: GroupDetail): GroupPolicies {
    const { GroupName: name, GroupId: id, Arn: groupArn } = detail;
    if (name === undefined || id === undefined || groupArn === undefined) {
      throw new IncompleteReadingError('AWS shows a group without a name, an id or an ARN');
    }
    const own = detail.GroupPolicyList ?? [];
    const arn = this.#texts.own(groupArn);
    return {
      group: this.#texts.shared(name),
      id: this.#texts.own(id),
      arn,
      policies: [
        ...this.#attachedTo(detail).map((policy) => policy.arn),
        ...own.map((policy) => `inline/${this.#texts.own(policy.PolicyName ?? '')}`),
      ],
      powers: powersOf(
        arn,
        own.map((policy) => policy.PolicyDocument ?? ''),
      ),
    };
  }

  #attachedTo({ AttachedManagedPolicies: policies }: UserDetail | GroupDetail): readonly AttachedPolicy[] {
    return kept(policies, ({ PolicyName: name = '', PolicyArn: arn = '' }) => {
      let known = this.#attached.get(arn);
      if (known === undefined) {
        known = { name: this.#texts.own(name), arn: this.#texts.own(arn) };
        this.#attached.set(known.arn, known);
      }
      return known;
    });
  }

  #inlinePolicy({ PolicyName: name = '', PolicyDocument: document = '' }: PolicyDetail): InlinePolicy {
    const key = `${name} ${document}`;
    let known = this.#inline.get(key);
    if (known === undefined) {
      known = inlinePolicy(this.#texts.own(name), document);
      this.#inline.set(key, known);
    }
    return known;
  }
}

function kept<T, U>(items: readonly T[] | undefined, keep: (item: T) => U): readonly U[] {
  return items === undefined || items.length === 0 ? none : items.map(keep);
}

function powersOf(groupArn: string, documents: readonly string[]): readonly string[] {
  const [, partition = 'aws', , , accountId = ''] = groupArn.split(':');
  const found = documents.flatMap((document) => powerOf(document, { partition, accountId }) ?? []);
  return [...new Set(found)].map((power) => powerArn(power, partition));
}
