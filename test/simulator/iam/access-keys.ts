import { AwsError, invalidInput, limitExceeded, noSuchEntity } from '../errors.ts';
import type { AccessKey, Status, User } from '../state/index.ts';
import { need, userToChange, userToRead, type Handlers } from './context.ts';
import { byAge, listed, page } from './paging.ts';

type Operations =
  'CreateAccessKey' | 'ListAccessKeys' | 'UpdateAccessKey' | 'DeleteAccessKey' | 'GetAccessKeyLastUsed';

const MAX_KEYS = 2;

/** A status that can be set: `Expired` is AWS's own. */
export function statusToSet(status: string | undefined): Status {
  if (status !== 'Active' && status !== 'Inactive') {
    throw invalidInput(`Status ${String(status)} cannot be set.`);
  }
  return status;
}

function keyNamed(user: User, id: string): AccessKey {
  const key = user.accessKeys.find((candidate) => candidate.id === id);
  if (key === undefined) {
    throw noSuchEntity(`The Access Key with id ${id} cannot be found.`);
  }
  return key;
}

export const accessKeys: Handlers<Operations> = {
  CreateAccessKey(context, input) {
    const { account, now } = context;
    const user = userToChange(context, input.UserName);
    if (user.accessKeys.length >= MAX_KEYS) {
      throw limitExceeded(`Cannot exceed quota for AccessKeysPerUser: ${MAX_KEYS}`);
    }
    const key: AccessKey = {
      id: account.random.id('AKIA', 20),
      secret: account.random.secret(),
      status: 'Active',
      createdAt: now,
    };
    account.saveUser({ ...user, accessKeys: [...user.accessKeys, key] }, user);
    context.registerKey(key.id, user.id);
    return {
      AccessKey: {
        UserName: user.name,
        AccessKeyId: key.id,
        Status: key.status,
        SecretAccessKey: key.secret,
        CreateDate: new Date(now),
      },
    };
  },

  ListAccessKeys(context, input) {
    const user = userToRead(context, input.UserName);
    const keys = listed(user.accessKeys, (key) => byAge(key.createdAt, key.id));
    const { items, ...rest } = page([keys], input, context);
    return {
      AccessKeyMetadata: items.map((key) => ({
        UserName: user.name,
        AccessKeyId: key.id,
        Status: key.status,
        CreateDate: new Date(key.createdAt),
      })),
      ...rest,
    };
  },

  UpdateAccessKey(context, input) {
    const user = userToChange(context, input.UserName);
    const key = keyNamed(user, need(input.AccessKeyId, 'AccessKeyId'));
    const changed = { ...key, status: statusToSet(input.Status) };
    const keys = user.accessKeys.map((other) => (other === key ? changed : other));
    context.account.saveUser({ ...user, accessKeys: keys }, user);
    return {};
  },

  DeleteAccessKey(context, input) {
    const user = userToChange(context, input.UserName);
    const key = keyNamed(user, need(input.AccessKeyId, 'AccessKeyId'));
    context.account.saveUser({ ...user, accessKeys: user.accessKeys.filter((other) => other !== key) }, user);
    return {};
  },

  GetAccessKeyLastUsed(context, input) {
    const id = need(input.AccessKeyId, 'AccessKeyId');
    const found = context.keyOwner(id);
    const key = found?.accessKeys.find((candidate) => candidate.id === id);
    if (found === undefined || key === undefined) {
      // AWS refuses keys of other accounts in the same way, so that nobody can probe them.
      throw new AwsError('AccessDenied', `Access key ${id} is not one of this account.`);
    }
    return {
      UserName: found.name,
      AccessKeyLastUsed:
        key.lastUsed === undefined
          ? { ServiceName: 'N/A', Region: 'N/A' }
          : {
              LastUsedDate: new Date(key.lastUsed.at),
              ServiceName: key.lastUsed.service,
              Region: key.lastUsed.region,
            },
    };
  },
};
