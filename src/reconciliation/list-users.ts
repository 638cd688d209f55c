import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';

/** A user as a listing names it. */
export interface ListedUser {
  readonly userId: string;
  readonly userName: string;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly createdAt: number;
}

/** The users of an account, under a path where one is given, to the last page. @throws {AwsError} */
export async function listUsers(
  api: AwsApi,
  options: CallOptions & {
    /** Items a page, 1 to 1,000. */
    readonly pageSize: number;
    /** `/` or `/…/`. */
    readonly pathPrefix?: string;
  },
): Promise<readonly ListedUser[]> {
  const { pageSize, pathPrefix } = options;
  const input = { MaxItems: pageSize, ...(pathPrefix === undefined ? {} : { PathPrefix: pathPrefix }) };
  const users: ListedUser[] = [];
  for await (const page of pages(api, 'ListUsers', input, options)) {
    for (const { UserId: userId, UserName: userName, CreateDate: created } of page.Users ?? []) {
      if (userId !== undefined && userName !== undefined) {
        users.push({ userId, userName, createdAt: created?.getTime() ?? 0 });
      }
    }
  }
  return users;
}
