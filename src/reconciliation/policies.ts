import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';

/** A managed policy as an entitlement. */
export interface ManagedPolicy {
  readonly type: 'AwsManagedPolicy' | 'CustomerManagedPolicy';
  readonly name: string;
  /** The unique id: `ANPA…`. */
  readonly id: string;
  readonly arn: string;
  readonly path: string;
  /** How many users, groups and roles it is attached to. */
  readonly attachments: number;
  /** How many users and roles it is the permissions boundary of. */
  readonly boundaries: number;
}

export interface PoliciesOptions extends CallOptions {
  /** Items a page, 1 to 1,000. */
  readonly pageSize: number;
  /** Twelve digits. */
  readonly accountId: string;
}

const scopes = [
  ['AWS', 'AwsManagedPolicy'],
  ['Local', 'CustomerManagedPolicy'],
] as const;

/**
 * All managed policies that somebody of this AWS account can be given: those of AWS (about 1,400) and its own.
 * @throws {AwsError} where a page is missing: a part is never taken for the whole
 * @throws {Error} where the list cannot be that of this account
 */
export async function readPolicies(api: AwsApi, options: PoliciesOptions): Promise<readonly ManagedPolicy[]> {
  const found = new Map<string, ManagedPolicy>();
  for (const [scope, type] of scopes) {
    const owner = scope === 'AWS' ? 'aws' : options.accountId;
    const before = found.size;
    for await (const page of pages(
      api,
      'ListPolicies',
      { Scope: scope, MaxItems: options.pageSize },
      options,
    )) {
      for (const policy of page.Policies ?? []) {
        const { Arn: arn, PolicyName: name, PolicyId: id } = policy;
        if (arn === undefined || name === undefined || id === undefined) {
          throw new Error('ListPolicies answered a policy without a name, an id or an ARN');
        }
        if (arn.split(':')[4] !== owner) {
          throw new Error(`ListPolicies answered ${arn}, which is not of the account ${owner}`);
        }
        found.set(id, {
          type,
          name,
          id,
          arn,
          path: policy.Path ?? '/',
          attachments: policy.AttachmentCount ?? 0,
          boundaries: policy.PermissionsBoundaryUsageCount ?? 0,
        });
      }
    }
    // There is no account without those of AWS.
    if (scope === 'AWS' && found.size === before) {
      throw new Error('ListPolicies is not complete: it shows no policy of AWS');
    }
  }
  return [...found.values()];
}
