import { alreadyExists, AwsError, deleteConflict, limitExceeded } from '../errors.ts';
import { keyOf, type ManagedPolicy, type PolicyVersion } from '../state/index.ts';
import { need, policyIn, type Handlers, type IamContext } from './context.ts';
import { checkDocument, MANAGED_LIMIT, sizeOf } from './documents.ts';
import { byAge, listed, page } from './paging.ts';
import { encodeDocument, policyShape } from './shapes.ts';
import { withoutTags, withTags } from './tagging.ts';

type Operations =
  | 'CreatePolicy'
  | 'GetPolicy'
  | 'ListPolicies'
  | 'DeletePolicy'
  | 'CreatePolicyVersion'
  | 'GetPolicyVersion'
  | 'ListPolicyVersions'
  | 'DeletePolicyVersion'
  | 'SetDefaultPolicyVersion'
  | 'TagPolicy'
  | 'UntagPolicy'
  | 'ListPolicyTags';

const MAX_VERSIONS = 5;

function checkSize(document: string): string {
  if (sizeOf(checkDocument(document)) > MANAGED_LIMIT) {
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${MANAGED_LIMIT}`);
  }
  return document;
}

/** A policy that the caller may change: AWS-managed ones are not the account's. */
function ownPolicy(context: IamContext, arn: string): ManagedPolicy {
  if (context.account.catalogue.has(arn)) {
    throw new AwsError('AccessDenied', `Policy ${arn} is managed by AWS and cannot be changed.`);
  }
  return policyIn(context, context.account.policies, arn);
}

function versionOf(policy: ManagedPolicy, id: string): PolicyVersion {
  const found = policy.versions.find((version) => version.id === id);
  if (found === undefined) {
    throw new AwsError(
      'NoSuchEntity',
      `Policy ${policy.arn} version ${id} does not exist or is not attachable.`,
    );
  }
  return found;
}

const versionShape = (policy: ManagedPolicy, version: PolicyVersion) => ({
  VersionId: version.id,
  IsDefaultVersion: version.id === policy.defaultVersion,
  CreateDate: new Date(version.createdAt),
});

export const managedPolicies: Handlers<Operations> = {
  CreatePolicy(context, input) {
    const { account, now } = context;
    const name = need(input.PolicyName, 'PolicyName');
    if (account.policies.has(keyOf(name))) {
      throw alreadyExists(`A policy called ${name} already exists. Duplicate names are not allowed.`);
    }
    if (account.policies.size >= account.quotas.policies) {
      throw limitExceeded(`Cannot exceed quota for PoliciesPerAccount: ${account.quotas.policies}`);
    }
    const path = input.Path ?? '/';
    const document = checkSize(need(input.PolicyDocument, 'PolicyDocument'));
    const policy: ManagedPolicy = {
      id: account.random.id('ANPA', 21),
      arn: account.arn(`policy${path}${name}`),
      name,
      path,
      createdAt: now,
      updatedAt: now,
      ...(input.Description === undefined ? {} : { description: input.Description }),
      versions: [{ id: 'v1', document, createdAt: now }],
      defaultVersion: 'v1',
      nextVersion: 2,
      tags: withTags([], input.Tags),
    };
    account.policies.set(keyOf(name), policy);
    return { Policy: { ...policyShape(account, policy), Tags: [...policy.tags] } };
  },

  GetPolicy(context, input) {
    const policy = policyIn(context, context.views.policies, need(input.PolicyArn, 'PolicyArn'));
    return {
      Policy: {
        ...policyShape(context.account, policy),
        Description: policy.description,
        Tags: [...policy.tags],
      },
    };
  },

  ListPolicies(context, input) {
    const { account, views } = context;
    const prefix = input.PathPrefix ?? '/';
    const scope = input.Scope ?? 'All';
    const fits = (policy: ManagedPolicy | undefined): ManagedPolicy | undefined => {
      if (policy === undefined || !policy.path.startsWith(prefix)) {
        return undefined;
      }
      const used =
        input.PolicyUsageFilter === 'PermissionsBoundary'
          ? account.boundaryCount(policy.arn)
          : account.attachmentCount(policy.arn);
      const mustBeUsed = input.OnlyAttached === true || input.PolicyUsageFilter !== undefined;
      return mustBeUsed && used === 0 ? undefined : policy;
    };
    const local = { keys: views.policies.keys, get: (key: string) => fits(views.policies.get(key)) };
    const aws = {
      keys: [...account.catalogue.keys()].sort(),
      get: (arn: string) => fits(account.catalogue.get(arn)),
    };
    const none = { keys: [], get: () => undefined };
    const { items, ...rest } = page(
      [scope === 'AWS' ? none : local, scope === 'Local' ? none : aws],
      input,
      context,
    );
    return { Policies: items.map((policy) => policyShape(account, policy)), ...rest };
  },

  DeletePolicy(context, input) {
    const { account } = context;
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    if (account.attachmentCount(policy.arn) + account.boundaryCount(policy.arn) > 0) {
      throw deleteConflict('Cannot delete a policy attached to entities.');
    }
    if (policy.versions.length > 1) {
      throw deleteConflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
      );
    }
    account.policies.delete(keyOf(policy.name));
    return {};
  },

  CreatePolicyVersion(context, input) {
    const { account, now } = context;
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    if (policy.versions.length >= MAX_VERSIONS) {
      throw limitExceeded(
        'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
      );
    }
    const document = checkSize(need(input.PolicyDocument, 'PolicyDocument'));
    const version = { id: `v${policy.nextVersion}`, document, createdAt: now };
    const changed = {
      ...policy,
      versions: [...policy.versions, version],
      nextVersion: policy.nextVersion + 1,
      updatedAt: now,
      defaultVersion: input.SetAsDefault === true ? version.id : policy.defaultVersion,
    };
    account.policies.set(keyOf(policy.name), changed);
    return { PolicyVersion: versionShape(changed, version) };
  },

  GetPolicyVersion(context, input) {
    const policy = policyIn(context, context.views.policies, need(input.PolicyArn, 'PolicyArn'));
    const version = versionOf(policy, need(input.VersionId, 'VersionId'));
    return {
      PolicyVersion: { Document: encodeDocument(version.document), ...versionShape(policy, version) },
    };
  },

  ListPolicyVersions(context, input) {
    const policy = policyIn(context, context.views.policies, need(input.PolicyArn, 'PolicyArn'));
    const versions = listed(policy.versions, (version) => byAge(version.createdAt, version.id));
    const { items, ...rest } = page([versions], input, context);
    return { Versions: items.map((version) => versionShape(policy, version)), ...rest };
  },

  DeletePolicyVersion(context, input) {
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    const version = versionOf(policy, need(input.VersionId, 'VersionId'));
    if (version.id === policy.defaultVersion) {
      throw deleteConflict('Cannot delete the default version of a policy.');
    }
    context.account.policies.set(keyOf(policy.name), {
      ...policy,
      versions: policy.versions.filter(({ id }) => id !== version.id),
    });
    return {};
  },

  SetDefaultPolicyVersion(context, input) {
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    const version = versionOf(policy, need(input.VersionId, 'VersionId'));
    context.account.policies.set(keyOf(policy.name), {
      ...policy,
      defaultVersion: version.id,
      updatedAt: context.now,
    });
    return {};
  },

  TagPolicy(context, input) {
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    context.account.policies.set(keyOf(policy.name), { ...policy, tags: withTags(policy.tags, input.Tags) });
    return {};
  },

  UntagPolicy(context, input) {
    const policy = ownPolicy(context, need(input.PolicyArn, 'PolicyArn'));
    context.account.policies.set(keyOf(policy.name), {
      ...policy,
      tags: withoutTags(policy.tags, input.TagKeys),
    });
    return {};
  },

  ListPolicyTags(context, input) {
    const policy = policyIn(context, context.views.policies, need(input.PolicyArn, 'PolicyArn'));
    const { items, ...rest } = page([listed(policy.tags, (tag) => keyOf(tag.Key))], input, context);
    return { Tags: [...items], ...rest };
  },
};
