import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Catalogue, CatalogueGroup, CataloguePolicy } from './entitlement-record.ts';
import { IncompleteReadingError } from './incomplete.ts';
import type { Snapshot } from './picture.ts';
import { accountIn } from './read-account.ts';

export interface CatalogueOptions extends CallOptions {
  /** Items a page, 1 to 1,000. */
  readonly pageSize: number;
  /** Twelve digits. */
  readonly accountId: string;
  /** A reading whose groups are new enough; without it they are listed. */
  readonly snapshot: Pick<Snapshot, 'groups'> | undefined;
}

/**
 * Everything that somebody of this AWS account can be given: its groups, its managed policies, and those of AWS
 * (about 1,400).
 * @throws {AwsError} where a page is missing: a part is never taken for the whole
 * @throws {IncompleteReadingError} where it cannot be all there is
 */
export async function readCatalogue(api: AwsApi, options: CatalogueOptions): Promise<Catalogue> {
  const { snapshot, accountId } = options;
  const groups =
    snapshot === undefined
      ? await readGroups(api, options)
      : [...snapshot.groups()].map(({ id, group, arn }) => ({ groupId: id, name: group, arn }));
  const ofAws = await readPolicies(api, 'AWS', options);
  // There is no account without them.
  if (ofAws.length === 0) {
    throw new IncompleteReadingError('ListPolicies shows no policy of AWS');
  }
  const own = await readPolicies(api, 'Local', options);
  for (const [owner, listed] of [
    [accountId, groups],
    ['aws', ofAws],
    [accountId, own],
  ] as const) {
    const foreign = listed.find(({ arn }) => accountIn(arn) !== owner);
    if (foreign !== undefined) {
      throw new IncompleteReadingError(`AWS shows ${foreign.arn}, and was asked for those of ${owner}`);
    }
  }
  return { groups, policies: [...ofAws, ...own] };
}

async function readGroups(api: AwsApi, options: CatalogueOptions): Promise<readonly CatalogueGroup[]> {
  const found = new Map<string, CatalogueGroup>();
  for await (const page of pages(api, 'ListGroups', { MaxItems: options.pageSize }, options)) {
    for (const { GroupId: groupId, GroupName: name, Arn: arn } of page.Groups ?? []) {
      if (groupId === undefined || name === undefined || arn === undefined) {
        throw new IncompleteReadingError('ListGroups shows a group without a name, an id or an ARN');
      }
      found.set(groupId, { groupId, name, arn });
    }
  }
  return [...found.values()];
}

async function readPolicies(
  api: AwsApi,
  scope: 'AWS' | 'Local',
  options: CatalogueOptions,
): Promise<readonly CataloguePolicy[]> {
  const found = new Map<string, CataloguePolicy>();
  const input = { Scope: scope, MaxItems: options.pageSize };
  for await (const page of pages(api, 'ListPolicies', input, options)) {
    for (const policy of page.Policies ?? []) {
      const { PolicyId: policyId, PolicyName: name, Arn: arn } = policy;
      if (policyId === undefined || name === undefined || arn === undefined) {
        throw new IncompleteReadingError('ListPolicies shows a policy without a name, an id or an ARN');
      }
      found.set(policyId, {
        policyId,
        name,
        arn,
        attachments: policy.AttachmentCount ?? 0,
        boundaries: policy.PermissionsBoundaryUsageCount ?? 0,
        description: policy.Description,
      });
    }
  }
  return [...found.values()];
}
