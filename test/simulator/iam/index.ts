import { handlerTable } from '../handlers.ts';
import { accessKeys } from './access-keys.ts';
import { accountOperations } from './account.ts';
import { attachments } from './attachments.ts';
import type { IamContext } from './context.ts';
import { details } from './details.ts';
import { groups } from './groups.ts';
import { inlinePolicies } from './inline-policies.ts';
import { managedPolicies } from './managed-policies.ts';
import { mfa } from './mfa.ts';
import { passwords } from './passwords.ts';
import { roles } from './roles.ts';
import { serviceCredentials } from './service-credentials.ts';
import { signingCertificates } from './signing-certificates.ts';
import { simulate } from './simulate.ts';
import { sshKeys } from './ssh-keys.ts';
import { users } from './users.ts';

export type { IamContext } from './context.ts';
export { passwordFits } from './passwords.ts';
export { newUser } from './users.ts';

/** Every IAM operation that the simulator has. */
export const iamHandlers = handlerTable<IamContext>(
  users,
  groups,
  inlinePolicies,
  managedPolicies,
  attachments,
  passwords,
  accessKeys,
  mfa,
  sshKeys,
  signingCertificates,
  serviceCredentials,
  details,
  accountOperations,
  roles,
  simulate,
);
