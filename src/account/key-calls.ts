import { ignoring, isAwsError, pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { LiveKey, Maker } from './key-model.ts';

/** A key at the one moment at which AWS tells its secret. */
export interface NewKey extends LiveKey {
  readonly secret: string;
}

/** The access keys of a user, live, to the last page. */
export async function listKeys(api: AwsApi, userName: string, options: CallOptions): Promise<LiveKey[]> {
  const found: LiveKey[] = [];
  for await (const page of pages(api, 'ListAccessKeys', { UserName: userName }, options)) {
    for (const { AccessKeyId: id, Status: status, CreateDate: date } of page.AccessKeyMetadata ?? []) {
      if (id !== undefined) {
        found.push({ id, active: status === 'Active', createdAt: date?.getTime() ?? 0 });
      }
    }
  }
  return found;
}

/** Not to be repeated where the answer is lost: each call makes another key. */
export async function makeKey(
  api: AwsApi,
  userName: string,
  now: number,
  options: CallOptions,
): Promise<NewKey> {
  const { AccessKey: key } = await api.call('CreateAccessKey', { UserName: userName }, options);
  if (key?.AccessKeyId === undefined || key.SecretAccessKey === undefined) {
    throw new Error('CreateAccessKey: AWS answered without a key');
  }
  return {
    id: key.AccessKeyId,
    secret: key.SecretAccessKey,
    active: true,
    createdAt: key.CreateDate?.getTime() ?? now,
  };
}

/** Sets a key Active or Inactive; one that is gone is no error. */
export async function switchKey(
  api: AwsApi,
  userName: string,
  id: string,
  to: 'Active' | 'Inactive',
  options: CallOptions,
): Promise<void> {
  const input = { UserName: userName, AccessKeyId: id, Status: to };
  await ignoring(api.call('UpdateAccessKey', input, options), 'notFound');
}

/** Switches a key off and deletes it: it is shut also where deleting is refused. One that is gone is no error. */
export async function deleteKey(
  api: AwsApi,
  userName: string,
  id: string,
  options: CallOptions,
): Promise<void> {
  await switchKey(api, userName, id, 'Inactive', options);
  await ignoring(api.call('DeleteAccessKey', { UserName: userName, AccessKeyId: id }, options), 'notFound');
}

/**
 * Who made a key, by CloudTrail's event history: it shows a call some 15 minutes later, and for 90
 * days. Without the right to read it nobody knows, which is no error.
 */
export async function makerOf(
  api: AwsApi,
  id: string,
  caller: { readonly arn: string },
  options: CallOptions,
): Promise<Maker> {
  try {
    const { Events: events = [] } = await api.call(
      'LookupEvents',
      { LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: id }] },
      options,
    );
    for (const { EventName: name, CloudTrailEvent: text } of events) {
      const maker = name === 'CreateAccessKey' ? makerIn(text, id) : undefined;
      if (maker !== undefined) {
        return maker === caller.arn ? 'ours' : 'other';
      }
    }
  } catch (error) {
    if (!isAwsError(error) || error.kind === 'badCredentials') {
      throw error;
    }
  }
  return 'unknown';
}

/** The ARN of the one who made the key, if the event says that it was made. */
function makerIn(text: string | undefined, id: string): string | undefined {
  try {
    const event = JSON.parse(text ?? 'null') as {
      readonly errorCode?: string;
      readonly userIdentity?: { readonly arn?: string };
      readonly responseElements?: { readonly accessKey?: { readonly accessKeyId?: string } };
    } | null;
    return event?.errorCode === undefined && event?.responseElements?.accessKey?.accessKeyId === id
      ? event.userIdentity?.arn
      : undefined;
  } catch {
    return undefined;
  }
}
