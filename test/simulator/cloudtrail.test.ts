import { describe, expect, test } from '@jest/globals';
import type { Event, LookupEventsCommandInput } from '@aws-sdk/client-cloudtrail';
import { bench, code, manualClock, type Bench } from './harness.ts';

const MINUTE = 60_000;
const unlimited = { perSecond: 0 };

async function lookupAll(
  { cloudTrail }: Pick<Bench, 'cloudTrail'>,
  input: LookupEventsCommandInput = {},
): Promise<Event[]> {
  const events: Event[] = [];
  let NextToken: string | undefined;
  do {
    const page = await cloudTrail.lookupEvents({
      ...input,
      ...(NextToken === undefined ? {} : { NextToken }),
    });
    events.push(...(page.Events ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return events;
}

const WRITES: LookupEventsCommandInput = {
  LookupAttributes: [{ AttributeKey: 'ReadOnly', AttributeValue: 'false' }],
};

describe('LookupEvents', () => {
  test('tells who did what to whom, hides secrets, and shows denied calls with their error', async () => {
    const made = await bench({ cloudTrail: unlimited });
    const { iam, account } = made;
    const { User } = await iam.createUser({ UserName: 'u' });
    await iam.createLoginProfile({ UserName: 'u', Password: 'Correct-horse-1' });
    await iam.createAccessKey({ UserName: 'u' });
    await code(iam.createUser({ UserName: 'u' }));
    await iam.listUsers({});
    const events = await lookupAll(made, WRITES);
    expect(events.map(({ EventName, ReadOnly, Username }) => [EventName, ReadOnly, Username])).toEqual([
      ['CreateUser', 'false', 'administrator'],
      ['CreateAccessKey', 'false', 'administrator'],
      ['CreateLoginProfile', 'false', 'administrator'],
      ['CreateUser', 'false', 'administrator'],
    ]);
    const records = events.map(
      ({ CloudTrailEvent = '{}' }) => JSON.parse(CloudTrailEvent) as Record<string, unknown>,
    );
    expect(records[0]).toMatchObject({
      errorCode: 'EntityAlreadyExists',
      requestParameters: { userName: 'u' },
      responseElements: null,
    });
    expect(records[3]).toMatchObject({
      eventSource: 'iam.amazonaws.com',
      awsRegion: 'us-east-1',
      userIdentity: { type: 'IAMUser', userName: 'administrator', accountId: account },
      requestParameters: { userName: 'u' },
      responseElements: { user: { userName: 'u', userId: User?.UserId } },
      readOnly: false,
      recipientAccountId: account,
    });
    expect(JSON.stringify(events)).not.toContain('Correct-horse-1');
    expect(JSON.stringify(records)).toContain('HIDDEN_DUE_TO_SECURITY_REASONS');
    expect(events[3]?.Resources).toContainEqual({ ResourceType: 'AWS::IAM::User', ResourceName: 'u' });
  });

  test('one attribute a request, matched exactly', async () => {
    const made = await bench({ cloudTrail: unlimited });
    const { iam, cloudTrail } = made;
    await iam.createUser({ UserName: 'bob' });
    await iam.createUser({ UserName: 'bobby' });
    const by = (
      AttributeKey: 'ResourceName' | 'EventName' | 'Username',
      AttributeValue: string,
    ): Promise<Event[]> => lookupAll(made, { LookupAttributes: [{ AttributeKey, AttributeValue }] });
    expect(await by('ResourceName', 'bob')).toHaveLength(1);
    expect(await by('ResourceName', 'bo')).toHaveLength(0);
    expect(await by('EventName', 'CreateUser')).toHaveLength(2);
    expect((await by('Username', 'administrator')).length).toBeGreaterThan(2);
    const attribute = { AttributeKey: 'EventName' as const, AttributeValue: 'x' };
    expect(await code(cloudTrail.lookupEvents({ LookupAttributes: [attribute, attribute] }))).toBe(
      'InvalidLookupAttributesException',
    );
  });

  test('50 a page, newest first, inside the window, in a token that is good for its lookup only', async () => {
    const clock = manualClock();
    const made = await bench({ cloudTrail: unlimited, now: clock.now });
    const { iam, cloudTrail } = made;
    for (let index = 0; index < 60; index += 1) {
      await iam.createUser({ UserName: `u${index}` });
      clock.advance(1_000);
    }
    const first = await cloudTrail.lookupEvents(WRITES);
    expect(first.Events).toHaveLength(50);
    expect(first.Events?.[0]?.Resources?.map(({ ResourceName }) => ResourceName)).toContain('u59');
    await iam.createUser({ UserName: 'late' });
    const second = await cloudTrail.lookupEvents({ ...WRITES, NextToken: first.NextToken });
    expect(second.Events).toHaveLength(10);
    expect(await code(cloudTrail.lookupEvents({ NextToken: first.NextToken }))).toBe(
      'InvalidNextTokenException',
    );
    const StartTime = new Date(clock.now() - 10_000);
    const EndTime = new Date(clock.now() - 5_000);
    expect(await lookupAll(made, { ...WRITES, StartTime, EndTime })).toHaveLength(6);
    expect(await code(cloudTrail.lookupEvents({ StartTime: EndTime, EndTime: StartTime }))).toBe(
      'InvalidTimeRangeException',
    );
    expect(await code(cloudTrail.lookupEvents({ MaxResults: 51 }))).toBe('InvalidMaxResultsException');
    clock.advance(91 * 86_400_000);
    expect(await lookupAll(made, WRITES)).toEqual([]);
  });

  test('IAM is seen in the home region of the partition only', async () => {
    const { simulator, as } = await bench({
      cloudTrail: unlimited,
      accounts: [{}, { partition: 'aws-us-gov' }, { partition: 'aws-cn' }],
    });
    const regions = ['us-east-1', 'us-gov-west-1', 'cn-north-1'];
    for (const [index, account] of simulator.accounts.entries()) {
      await as(account).iam.createUser({ UserName: 'u' });
      for (const region of [...regions, 'us-east-2']) {
        const events = await lookupAll(as(account, region), WRITES);
        expect([region, events.length]).toEqual([region, region === regions[index] ? 1 : 0]);
      }
    }
  });

  test('events come late, and out of order', async () => {
    const clock = manualClock();
    const made = await bench({
      cloudTrail: { ...unlimited, delayMs: 5 * MINUTE, shuffle: true },
      now: clock.now,
    });
    for (let index = 0; index < 40; index += 1) {
      await made.iam.createUser({ UserName: `u${index}` });
    }
    clock.advance(4 * MINUTE);
    expect(await lookupAll(made, WRITES)).toEqual([]);
    clock.advance(3 * MINUTE);
    const some = await lookupAll(made, WRITES);
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThan(40);
    clock.advance(4 * MINUTE);
    const order = (await lookupAll(made, WRITES)).map(({ Resources }) =>
      Number(Resources?.[0]?.ResourceName?.slice(1)),
    );
    expect([...order].sort((a, b) => b - a)).toEqual(Array.from({ length: 40 }, (_, index) => 39 - index));
    expect(order).not.toEqual([...order].sort((a, b) => b - a));
  });

  test('2 requests a second, an account and region', async () => {
    const clock = manualClock();
    const { cloudTrail, simulator, as } = await bench({ now: clock.now });
    expect([
      await code(cloudTrail.lookupEvents({})),
      await code(cloudTrail.lookupEvents({})),
      await code(cloudTrail.lookupEvents({})),
    ]).toEqual(['OK', 'OK', 'ThrottlingException']);
    const [admin] = simulator.accounts;
    const elsewhere = as(admin ?? { accessKeyId: '', secretAccessKey: '' }, 'eu-west-1');
    expect(await code(elsewhere.cloudTrail.lookupEvents({}))).toBe('OK');
    clock.advance(500);
    expect(await code(cloudTrail.lookupEvents({}))).toBe('OK');
  });
});
