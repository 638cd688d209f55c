import type { Edges } from '../account/index.ts';
import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import { nameInArn } from './reference.ts';

/** The groups of a user, live, to the last page. @throws {AwsError} `notFound` where there is no such user */
export async function listGroups(
  api: AwsApi,
  userName: string,
  options: CallOptions,
): Promise<Edges['groups']> {
  const groups: string[] = [];
  for await (const page of pages(api, 'ListGroupsForUser', { UserName: userName }, options)) {
    groups.push(...(page.Groups ?? []).map((group) => group.GroupName ?? ''));
  }
  return groups;
}

/** The managed policies of a user, live, to the last page. @throws {AwsError} `notFound` where there is no such user */
export async function listAttachedPolicies(
  api: AwsApi,
  userName: string,
  options: CallOptions,
): Promise<Edges['attachedPolicies']> {
  const attached: Edges['attachedPolicies'][number][] = [];
  for await (const page of pages(api, 'ListAttachedUserPolicies', { UserName: userName }, options)) {
    attached.push(
      ...(page.AttachedPolicies ?? []).map(({ PolicyArn: arn = '' }) => ({ name: nameInArn(arn), arn })),
    );
  }
  return attached;
}
