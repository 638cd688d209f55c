import { CloudTrailClient, paginateLookupEvents } from '@aws-sdk/client-cloudtrail';
import type { Credentials } from '../world.ts';

interface MadeEvent {
  readonly errorCode?: string;
  readonly userIdentity?: { readonly userName?: string };
  readonly requestParameters?: {
    readonly tags?: readonly { readonly key: string; readonly value: string }[];
  };
  readonly responseElements?: { readonly user?: { readonly userId?: string } };
}

/**
 * Who was made by `maker`, from CloudTrail, the witness that is neither the operator nor its objects:
 * unique ids by the owner tag that the call carried, oldest first.
 */
export async function usersMadeBy(
  maker: string,
  target: { readonly url: string; readonly credentials: Credentials },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const client = new CloudTrailClient({
    endpoint: target.url,
    region: 'us-east-1',
    credentials: target.credentials,
  });
  const made = new Map<string, readonly string[]>();
  try {
    const filter = [{ AttributeKey: 'EventName' as const, AttributeValue: 'CreateUser' }];
    for await (const page of paginateLookupEvents({ client }, { LookupAttributes: filter })) {
      for (const { CloudTrailEvent: text } of page.Events ?? []) {
        const event = JSON.parse(text ?? '{}') as MadeEvent;
        const owner = event.requestParameters?.tags?.find(({ key }) => key === 'aws.idhub.io/owner')?.value;
        const id = event.responseElements?.user?.userId;
        if (event.errorCode === undefined && event.userIdentity?.userName === maker && id !== undefined) {
          // Newest first is how CloudTrail tells.
          made.set(owner ?? '', [id, ...(made.get(owner ?? '') ?? [])]);
        }
      }
    }
    return made;
  } finally {
    client.destroy();
  }
}
