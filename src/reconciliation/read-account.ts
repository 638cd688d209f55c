import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ObservedUser } from '../account/index.ts';
import { isAwsError, pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Caller } from '../connection/index.ts';
import type { Clock } from '../ports.ts';
import type { CredentialReport, CredentialReports } from './credential-report.ts';
import { readDetails, type Details, type GroupPolicies } from './details.ts';
import { IncompleteReadingError } from './incomplete.ts';
import { Texts } from './texts.ts';

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
  /** Whose account it must be, and who must be in it. */
  readonly caller: Pick<Caller, 'accountId' | 'userId'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Where the credential report of this AWS account comes from. */
  readonly reports?: CredentialReports;
}

/**
 * Reads a whole account, to the last page; any fault on the way is thrown, so that a part is never
 * taken for the whole. `GetAccountAuthorizationDetails` is the one call that carries tags, boundary,
 * groups and policies of 1,000 users at a time (IAM API reference).
 *
 * When passwords were last used, and the credential report, may be refused by AWS: `unread` tells.
 * @throws {AwsError} where a call failed
 * @throws {IncompleteReadingError} where it cannot be all there is, or is of another account
 */
export async function readAccount(api: AwsApi, options: ReadingOptions): Promise<AccountReading> {
  const aborter = new AbortController();
  const reading: ReadingOptions = { ...options, signal: AbortSignal.any([options.signal, aborter.signal]) };
  try {
    // AWS makes the report while the rest is read.
    const [, details, lastUsed] = await Promise.all([
      options.reports?.begin(api, reading),
      readDetails(api, reading),
      options.passwordLastUsed ? readLastUsed(api, reading) : undefined,
    ]);
    const report = await options.reports?.read(api, reading);
    const extra = await check(api, details, lastUsed?.listed, reading);
    const unread = new Map<Unread, string>();
    if (report?.kind === 'unknown') {
      unread.set('credentials', report.why);
    }
    if (lastUsed?.refused !== undefined) {
      unread.set('passwordLastUsed', lastUsed.refused);
    }
    const listed = lastUsed?.listed;
    const users = Array.from(details.users.values(), (user) =>
      listed === undefined
        ? user
        : Object.assign(user, { passwordLastUsed: listed.get(user.userId)?.lastUsed }),
    );
    return {
      users,
      groups: details.groups,
      credentials: report?.kind === 'report' ? report.report : undefined,
      unread,
      pages: details.pages + (lastUsed?.pages ?? 0) + (report?.calls ?? 0) + extra,
    };
  } finally {
    // Where one of them failed, what is still under way is of no use.
    aborter.abort(new Error('the reading is over'));
  }
}

/** A user as `ListUsers` shows it. Times are milliseconds since the epoch. */
interface Listed {
  readonly userName: string;
  readonly createdAt: number;
  /** Undefined where the password was never used. */
  readonly lastUsed: number | undefined;
}

interface LastUsed {
  /** By unique id; undefined where AWS refuses. */
  readonly listed?: ReadonlyMap<string, Listed>;
  readonly refused?: string;
  readonly pages: number;
}

/** When passwords were last used. */
async function readLastUsed(api: AwsApi, options: ReadingOptions): Promise<LastUsed> {
  const listed = new Map<string, Listed>();
  const texts = new Texts();
  let count = 0;
  try {
    for await (const page of pages(api, 'ListUsers', { MaxItems: options.pageSize }, options)) {
      await nextTurn();
      count += 1;
      for (const user of page.Users ?? []) {
        listed.set(texts.own(user.UserId ?? ''), {
          userName: texts.own(user.UserName ?? ''),
          createdAt: user.CreateDate?.getTime() ?? 0,
          lastUsed: user.PasswordLastUsed?.getTime(),
        });
      }
    }
    return { listed, pages: count };
  } catch (error) {
    if (isAwsError(error, 'accessDenied')) {
      return { refused: error.message, pages: count + 1 };
    }
    throw error;
  }
}

/** Users that are younger may be in one list and not yet in the other (IAM is eventually consistent). */
const youngMs = 60_000;
/** So many users may come or go between two lists; more are not looked at one by one. */
const maxDiffering = 10;

/**
 * Whether it can be all there is, and of the account that was asked for.
 * @returns how many calls that took
 * @throws {IncompleteReadingError}
 */
async function check(
  api: AwsApi,
  { users, groups }: Details,
  listed: ReadonlyMap<string, Listed> | undefined,
  options: ReadingOptions,
): Promise<number> {
  const { accountId, userId } = options.caller;
  for (const { arn } of [...users.values(), ...groups.values()]) {
    if (accountIn(arn) !== accountId) {
      const message = `the credentials belong to AWS account ${accountId}, and AWS shows ${arn}`;
      throw new IncompleteReadingError(message, { foreign: true });
    }
  }
  if (userId !== undefined && !users.has(userId)) {
    throw new IncompleteReadingError(
      `AWS shows ${users.size} users, and the one whose credentials these are (${userId}) is not among them`,
    );
  }
  if (users.size === 0) {
    const { SummaryMap: summary = {} } = await api.call('GetAccountSummary', {}, options);
    if (summary.Users !== 0) {
      throw new IncompleteReadingError(
        `AWS shows no user, and counts ${summary.Users ?? 'nobody knows how many'}`,
      );
    }
    return 1;
  }
  return listed === undefined ? 0 : compare(api, users, listed, options);
}

/** The two lists of users must show the same; who came or went meanwhile is in one of them only. */
async function compare(
  api: AwsApi,
  users: Details['users'],
  listed: ReadonlyMap<string, Listed>,
  options: ReadingOptions,
): Promise<number> {
  const now = options.clock.now() + api.skewMs;
  const differing = [
    ...[...listed].filter(([id]) => !users.has(id)),
    ...[...users].filter(([id]) => !listed.has(id)),
  ].filter(([, { createdAt }]) => now - createdAt >= youngMs);
  const incomplete = (why: string): Error =>
    new IncompleteReadingError(
      `GetAccountAuthorizationDetails shows ${users.size} users, ListUsers ${listed.size}: ${why}`,
    );
  if (differing.length > maxDiffering) {
    throw incomplete(`${differing.length} are in one of the lists only`);
  }
  for (const [id, { userName }] of differing) {
    if (await isThere(api, userName, id, options)) {
      throw incomplete(`${userName} is in one of the lists only`);
    }
  }
  return differing.length;
}

async function isThere(api: AwsApi, userName: string, id: string, options: CallOptions): Promise<boolean> {
  try {
    const { User: user } = await api.call('GetUser', { UserName: userName }, options);
    return user?.UserId === id;
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return false;
    }
    throw error;
  }
}

/** The account in an ARN: what stands before its fifth colon. */
export function accountIn(arn: string): string {
  return arn.split(':', 5)[4] ?? '';
}
