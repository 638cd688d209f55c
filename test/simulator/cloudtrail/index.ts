import type * as Sdk from '@aws-sdk/client-cloudtrail';
import { AwsError } from '../errors.ts';
import { handlerTable, type HandlersOf } from '../handlers.ts';
import type { Account, Random } from '../state/index.ts';
import type { Partition } from '../types.ts';
import { recordOf, resourcesOf, usernameOf } from './event.ts';
import type { Trail, TrailEvent } from './trail.ts';

export interface CloudTrailContext {
  readonly account: Account;
  readonly trail: Trail;
  readonly now: number;
  readonly region: string;
  readonly shuffle: boolean;
  readonly random: Random;
  /** Takes one of the requests that the account has in the region. */
  admit(this: void): boolean;
}

/** Where IAM, STS and sign-in events of a partition are kept. */
export const HOME_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-cn': 'cn-north-1',
};

const PAGE = 50;
const KEPT_MS = 90 * 86_400_000;

/** CloudTrail names what is wrong in the error's code (LookupEvents, API reference). */
export function invalidMemberCode(message: string): string {
  const member = / at '(\w+)/.exec(message)?.[1];
  switch (member) {
    case 'maxResults':
      return 'InvalidMaxResultsException';
    case 'lookupAttributes':
      return 'InvalidLookupAttributesException';
    case 'eventCategory':
      return 'InvalidEventCategoryException';
    case undefined:
    default:
      return 'ValidationException';
  }
}

type Attribute = Readonly<{ AttributeKey?: string | undefined; AttributeValue?: string | undefined }>;

function fits(event: TrailEvent, { AttributeKey: key, AttributeValue: value = '' }: Attribute): boolean {
  switch (key) {
    case 'EventId':
      return event.id === value;
    case 'EventName':
      return event.name === value;
    case 'ReadOnly':
      return String(event.readOnly) === value;
    case 'Username':
      return usernameOf(event) === value;
    case 'EventSource':
      return event.source === value;
    case 'AccessKeyId':
      return event.caller.accessKeyId === value;
    case 'ResourceType':
      return resourcesOf(event).some((resource) => resource.ResourceType === value);
    case 'ResourceName':
      return resourcesOf(event).some((resource) => resource.ResourceName === value);
    case undefined:
    default:
      throw new AwsError('InvalidLookupAttributesException', `Unknown lookup attribute ${String(key)}.`);
  }
}

/** A token is good for the same lookup only. */
function readToken(token: string, lookup: string): number {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(parts) && parts[0] === lookup && typeof parts[1] === 'number') {
      return parts[1];
    }
  } catch {
    // Falls through: what cannot be read is refused below.
  }
  throw new AwsError(
    'InvalidNextTokenException',
    'Invalid token or lookup attributes that differ from its first use.',
  );
}

function eventShape(account: Account, event: TrailEvent) {
  return {
    EventId: event.id,
    EventName: event.name,
    ReadOnly: String(event.readOnly),
    AccessKeyId: event.caller.accessKeyId,
    EventTime: new Date(Math.floor(event.at / 1000) * 1000),
    EventSource: event.source,
    Username: usernameOf(event),
    Resources: [...resourcesOf(event)],
    CloudTrailEvent: recordOf(account, event),
  };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const operations: HandlersOf<typeof Sdk, CloudTrailContext, 'LookupEvents'> = {
  LookupEvents(context, input) {
    const { account, trail, now } = context;
    if (!context.admit()) {
      throw new AwsError('ThrottlingException', 'Rate exceeded');
    }
    const [attribute, ...more] = input.LookupAttributes ?? [];
    if (more.length > 0) {
      throw new AwsError('InvalidLookupAttributesException', 'Only one lookup attribute can be specified.');
    }
    const start = Math.max(input.StartTime?.getTime() ?? 0, now - KEPT_MS);
    const end = input.EndTime?.getTime() ?? now;
    if (input.StartTime !== undefined && input.StartTime.getTime() > end) {
      throw new AwsError('InvalidTimeRangeException', 'The start time is after the end time.');
    }
    const limit = input.MaxResults ?? PAGE;
    if (context.region !== HOME_REGION[account.partition] || input.EventCategory !== undefined) {
      return { Events: [] };
    }
    const lookup = JSON.stringify([attribute, input.StartTime, input.EndTime]);
    let sequence = input.NextToken === undefined ? trail.end : readToken(input.NextToken, lookup);
    const events: TrailEvent[] = [];
    while (sequence > trail.first) {
      const event = trail.event(sequence - 1);
      if (event === undefined || event.at < start) {
        break;
      }
      const wanted =
        event.visibleAt <= now && event.at <= end && (attribute === undefined || fits(event, attribute));
      if (wanted && events.length === limit) {
        const NextToken = Buffer.from(JSON.stringify([lookup, sequence])).toString('base64url');
        return { Events: shown(context, events), NextToken };
      }
      if (wanted) {
        events.push(event);
      }
      sequence -= 1;
    }
    return { Events: shown(context, events) };
  },
};

function shown({ account, shuffle, random }: CloudTrailContext, events: readonly TrailEvent[]) {
  return (shuffle ? shuffled(events, random) : events).map((event) => eventShape(account, event));
}

/** Every CloudTrail operation that the simulator has. */
export const cloudTrailHandlers = handlerTable<CloudTrailContext>(operations);
