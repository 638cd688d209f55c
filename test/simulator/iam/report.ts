import type { AccessKey, User } from '../state/index.ts';
import type { IamContext } from './context.ts';

/** Columns in the order of the IAM User Guide, "Getting credential reports". */
const HEADER =
  'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,' +
  'access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,' +
  'access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,' +
  'cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated';

const DAY_MS = 86_400_000;
const NONE = 'N/A';

const time = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}+00:00`;

const keyColumns = (key: AccessKey | undefined): readonly string[] =>
  key === undefined
    ? ['false', NONE, NONE, NONE, NONE]
    : [
        String(key.status === 'Active'),
        time(key.createdAt),
        ...(key.lastUsed === undefined
          ? [NONE, NONE, NONE]
          : [time(key.lastUsed.at), key.lastUsed.region, key.lastUsed.service]),
      ];

function row(context: IamContext, user: User): string {
  const { account } = context;
  const { login } = user;
  const maxAge = account.passwordPolicy?.MaxPasswordAge;
  const certificates = [0, 1].flatMap((index) => {
    const certificate = user.certificates[index];
    return certificate === undefined
      ? ['false', NONE]
      : [String(certificate.status === 'Active'), time(certificate.uploadedAt)];
  });
  return [
    user.name,
    account.userArn(user),
    time(user.createdAt),
    String(login !== undefined),
    login === undefined
      ? NONE
      : user.passwordLastUsed === undefined
        ? 'no_information'
        : time(user.passwordLastUsed),
    login === undefined ? NONE : time(login.changedAt),
    login === undefined || maxAge === undefined ? NONE : time(login.changedAt + maxAge * DAY_MS),
    String(user.mfa.length > 0),
    ...keyColumns(user.accessKeys[0]),
    ...keyColumns(user.accessKeys[1]),
    ...certificates,
  ]
    .map((field) => (field.includes(',') ? `"${field}"` : field))
    .join(',');
}

/** The CSV of the account's credentials, the root user first, from what readers see. */
export function credentialReport(context: IamContext): string {
  const { account, views } = context;
  const created = time(Date.UTC(2020, 0, 1));
  const root = [
    '<root_account>',
    account.arn('root'),
    created,
    'not_supported',
    'no_information',
    'not_supported',
    'not_supported',
    'true',
    ...keyColumns(undefined),
    ...keyColumns(undefined),
    'false',
    NONE,
    'false',
    NONE,
  ].join(',');
  const rows = views.users.keys.flatMap((key) => {
    const user = views.users.get(key);
    return user === undefined ? [] : [row(context, user)];
  });
  return [HEADER, root, ...rows].join('\n');
}
