import { isAwsError, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { ObservedUser } from './model.ts';

/**
 * Reads one user live. `GetUser` carries tags and boundary but no policies; those come from the last
 * complete reading (`known`) of the same unique id. Undefined where there is no user of that name.
 */
export async function readUser(
  api: AwsApi,
  userName: string,
  known: ObservedUser | undefined,
  options: CallOptions,
): Promise<ObservedUser | undefined> {
  try {
    const { User: user } = await api.call('GetUser', { UserName: userName }, options);
    if (user?.UserName === undefined || user.UserId === undefined) {
      throw new Error('GetUser answered without a user');
    }
    const same = known?.userId === user.UserId ? known : undefined;
    return {
      userName: user.UserName,
      userId: user.UserId,
      arn: user.Arn ?? '',
      path: user.Path ?? '/',
      createdAt: user.CreateDate?.getTime() ?? 0,
      tags: (user.Tags ?? []).map((tag) => ({ key: tag.Key ?? '', value: tag.Value ?? '' })),
      boundary: user.PermissionsBoundary?.PermissionsBoundaryArn,
      deny: same?.deny ?? 'absent',
      groups: same?.groups ?? [],
      attachedPolicies: same?.attachedPolicies ?? [],
      inlinePolicies: same?.inlinePolicies ?? [],
      passwordLastUsed: user.PasswordLastUsed?.getTime() ?? same?.passwordLastUsed,
    };
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return undefined;
    }
    throw error;
  }
}
