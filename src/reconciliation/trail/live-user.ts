import {
  denyState,
  hasLoginProfile,
  listKeys,
  type CredentialFacts,
  type ObservedUser,
} from '../../account/index.ts';
import { isAwsError, pages, type AwsApi, type CallOptions } from '../../aws/index.ts';
import { inlinePolicy, listAttachedPolicies, listGroups } from '../../entitlement/index.ts';
import type { Aspects } from './events.ts';
import type { LiveUser } from './model.ts';

/** AWS does not allow to read single users: the account can be read as a whole only. */
export class NotReadable extends Error {}

/** A name went to another user while it was read. */
class Moved extends Error {}

/** What a fault in reading one user says; any other is thrown on. */
export function faultOf(error: unknown): string {
  if (error instanceof Moved || (isAwsError(error) && error.kind !== 'badCredentials')) {
    return error.message;
  }
  throw error;
}

/**
 * Reads what `GetUser` does not show of a user.
 * @throws {NotReadable} where its edges may not be read
 * @throws {AwsError | Moved} where nothing can be said of it now: see `faultOf`
 */
export async function readAspects(
  api: AwsApi,
  user: ObservedUser,
  /** `asOf`: now, milliseconds since the epoch by AWS's clock. */
  wanted: Aspects & { readonly asOf: number },
  options: CallOptions,
): Promise<LiveUser> {
  const withEdges = wanted.edges ? await readEdges(api, user, options) : user;
  const credentials = wanted.credentials ? await readCredentials(api, user, wanted.asOf, options) : undefined;
  if (wanted.edges || wanted.credentials) {
    await confirm(api, user, options);
  }
  return typeof credentials === 'string'
    ? { user: withEdges, edges: wanted.edges, credentials: undefined, denied: credentials }
    : { user: withEdges, edges: wanted.edges, credentials };
}

/** Lists take names: they are of this user only if the name was its own before and after. */
async function confirm(api: AwsApi, { userId, userName }: ObservedUser, options: CallOptions): Promise<void> {
  const { User: user } = await api.call('GetUser', { UserName: userName }, options);
  if (user?.UserId !== userId) {
    throw new Moved(`the name ${userName} went to another user while this one was read`);
  }
}

async function readEdges(api: AwsApi, user: ObservedUser, options: CallOptions): Promise<ObservedUser> {
  const UserName = user.userName;
  try {
    const groups = await listGroups(api, UserName, options);
    const attachedPolicies = await listAttachedPolicies(api, UserName, options);
    const inline: { name: string; document: string }[] = [];
    for await (const page of pages(api, 'ListUserPolicies', { UserName }, options)) {
      for (const name of page.PolicyNames ?? []) {
        const input = { UserName, PolicyName: name };
        const { PolicyDocument: document = '' } = await api.call('GetUserPolicy', input, options);
        inline.push({ name, document });
      }
    }
    return {
      ...user,
      deny: denyState(inline, attachedPolicies),
      groups,
      attachedPolicies,
      inlinePolicies: inline.map(({ name, document }) => inlinePolicy(name, document)),
    };
  } catch (error) {
    throw isAwsError(error, 'accessDenied') ? new NotReadable(error.message) : error;
  }
}

/** Where AWS does not allow to see them, what it says. */
async function readCredentials(
  api: AwsApi,
  { userName, passwordLastUsed }: ObservedUser,
  asOf: number,
  options: CallOptions,
): Promise<CredentialFacts | string> {
  try {
    const console = await hasLoginProfile(api, userName, options);
    const keys = await listKeys(api, userName, options);
    let mfa = false;
    for await (const page of pages(api, 'ListMFADevices', { UserName: userName }, options)) {
      mfa ||= (page.MFADevices ?? []).length > 0;
    }
    return {
      asOf,
      console,
      mfa,
      keys: keys.map(({ active, createdAt }) => ({ active, rotatedAt: createdAt })),
      ...(passwordLastUsed === undefined ? {} : { passwordLastUsed }),
    };
  } catch (error) {
    if (isAwsError(error, 'accessDenied')) {
      return error.message;
    }
    throw error;
  }
}
