import { alreadyExists, AwsError, noSuchEntity } from '../errors.ts';
import { need, type Handlers, type IamContext } from './context.ts';
import { INLINE_LIMITS, MANAGED_LIMIT } from './documents.ts';
import { credentialReport } from './report.ts';

type Operations =
  | 'CreateAccountAlias'
  | 'DeleteAccountAlias'
  | 'ListAccountAliases'
  | 'GetAccountSummary'
  | 'GenerateCredentialReport'
  | 'GetCredentialReport';

/** A report answers for so long; until then a new one is not made (GenerateCredentialReport, API reference). */
const REPORT_AGE_MS = 4 * 3_600_000;

function summary({ account, views }: IamContext): Record<string, number> {
  const users = views.users.keys.flatMap((key) => views.users.get(key) ?? []);
  const versions = [...account.policies.values()].reduce((sum, policy) => sum + policy.versions.length, 0);
  return {
    Users: users.length,
    UsersQuota: account.quotas.users,
    Groups: views.groups.keys.length,
    GroupsQuota: account.quotas.groups,
    GroupsPerUserQuota: account.quotas.groupsPerUser,
    Policies: views.policies.keys.length,
    PoliciesQuota: account.quotas.policies,
    PolicySizeQuota: MANAGED_LIMIT,
    PolicyVersionsInUse: versions,
    PolicyVersionsInUseQuota: 10_000,
    VersionsPerPolicyQuota: 5,
    AttachedPoliciesPerUserQuota: account.quotas.attachedPoliciesPerUser,
    AttachedPoliciesPerGroupQuota: account.quotas.attachedPoliciesPerGroup,
    AttachedPoliciesPerRoleQuota: 10,
    UserPolicySizeQuota: INLINE_LIMITS.user,
    GroupPolicySizeQuota: INLINE_LIMITS.group,
    RolePolicySizeQuota: INLINE_LIMITS.role,
    AssumeRolePolicySizeQuota: 2_048,
    Roles: views.roles.keys.length,
    RolesQuota: 1_000,
    AccessKeysPerUserQuota: 2,
    SigningCertificatesPerUserQuota: 2,
    MFADevices: views.mfaDevices.keys.length,
    MFADevicesInUse: users.reduce((sum, user) => sum + user.mfa.length, 0),
    AccountMFAEnabled: 1,
    AccountAccessKeysPresent: 0,
    AccountPasswordPresent: 1,
    AccountSigningCertificatesPresent: 0,
    InstanceProfiles: 0,
    InstanceProfilesQuota: 1_000,
    Providers: 0,
    ServerCertificates: 0,
    ServerCertificatesQuota: 20,
    GlobalEndpointTokenVersion: 1,
  };
}

export const accountOperations: Handlers<Operations> = {
  CreateAccountAlias({ account, aliasTaken }, input) {
    const alias = need(input.AccountAlias, 'AccountAlias');
    if (aliasTaken(alias)) {
      throw alreadyExists(`The account alias ${alias} already exists.`);
    }
    account.alias = alias;
    return {};
  },

  DeleteAccountAlias({ account }, input) {
    const alias = need(input.AccountAlias, 'AccountAlias');
    if (account.alias !== alias) {
      throw noSuchEntity(`The account alias ${alias} cannot be found.`);
    }
    account.alias = undefined;
    return {};
  },

  ListAccountAliases({ account }) {
    return { AccountAliases: account.alias === undefined ? [] : [account.alias], IsTruncated: false };
  },

  GetAccountSummary(context) {
    return { SummaryMap: summary(context) };
  },

  GenerateCredentialReport(context) {
    const { account, now } = context;
    const known = account.credentialReport;
    if (known !== undefined && now < known.startedAt + REPORT_AGE_MS) {
      return now < known.startedAt + context.credentialReportMs
        ? { State: 'INPROGRESS' }
        : { State: 'COMPLETE' };
    }
    account.credentialReport = { startedAt: now, content: credentialReport(context) };
    return {
      State: 'STARTED',
      Description: 'No report exists. Starting a new report generation task',
    };
  },

  GetCredentialReport({ account, now, credentialReportMs }) {
    const report = account.credentialReport;
    if (report === undefined) {
      throw new AwsError('ReportNotPresent', 'Report has not been generated yet.');
    }
    const ready = report.startedAt + credentialReportMs;
    if (now < ready) {
      throw new AwsError('ReportInProgress', 'Report is being generated.');
    }
    if (now >= report.startedAt + REPORT_AGE_MS) {
      throw new AwsError('ReportExpired', 'Report has expired. Generate a new one.');
    }
    return {
      Content: Buffer.from(report.content),
      ReportFormat: 'text/csv',
      GeneratedTime: new Date(ready),
    };
  },
};
