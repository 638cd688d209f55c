import { CreateUserCommand, DeleteUserCommand, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { PortClient, portUrl, untilListed, writeCallers } from './port.ts';
import { resyncs, snapshotEvery, worldFor } from './support.ts';
import { communicationUser } from './world.ts';

const namespace = 'onboarding';
const secret = 'e2e-onboarding';
const world = worldFor(namespace, {
  operator: [
    snapshotEvery,
    `--http-auth-secret=${secret}`,
    `--default-connection=${namespace}/later`,
    '--business-owner=Jerome',
    '--connector-states=UNKNOWN=Unresolved,NOT_CONFIGURED=Not Configured',
  ],
});
const token = 'e2e-onboarding-token-0123456789';
const root = `/connections/${namespace}/aws`;

interface Health {
  readonly status: string;
  readonly message: string;
}

async function connect(): Promise<PortClient> {
  return new PortClient({ url: await portUrl(world().operator), authorization: `Bearer ${token}` });
}

let client: PortClient;
beforeAll(async () => {
  await writeCallers(world(), secret, { 'token.a': token });
  client = await connect();
  await world().until('awsconnection', 'aws', { status: 'True' });
  await untilListed(client, `${root}/scim/v2/Account?count=1`);
});
afterAll(async () => writeCallers(world(), secret, undefined));

describe('what IDHub’s wizard asks, in its order', () => {
  test('health: of a connection that is not there yet, of one that works, and of one that is paused', async () => {
    expect(await client.json<Health>('GET', '/connector/health')).toMatchObject({ status: 'Not Configured' });
    expect(await client.json<Health>('GET', `${root}/connector/health`)).toMatchObject({
      status: 'UP',
      parts: [
        { name: 'aws', status: 'UP' },
        { name: 'idhub', status: 'Not Configured' },
      ],
    });
    await world().kubectl(['annotate', 'awsconnection', 'aws', '-n', namespace, 'aws.idhub.io/paused=true']);
    const state = async (): Promise<string> =>
      (await client.json<Health>('GET', `${root}/connector/health`)).status;
    await eventually(async () => ((await state()) === 'OUT_OF_SERVICE' ? true : undefined), {
      what: 'the pause to be told',
    });
    await world().kubectl(['annotate', 'awsconnection', 'aws', '-n', namespace, 'aws.idhub.io/paused-']);
    await eventually(async () => ((await state()) === 'UP' ? true : undefined), {
      what: 'the end of the pause to be told',
    });
  });

  test('a test of the credentials asks AWS now', async () => {
    expect(await client.json<Health>('GET', `${root}/connector/test`)).toEqual({
      status: 'UP',
      message: expect.stringMatching(new RegExp(`user/${communicationUser} in AWS account \\d{12}$`)),
    });
    expect((await client.send('GET', '/connector/test')).status).toBe(404);
    const key = { UserName: communicationUser, AccessKeyId: world().credentials.accessKeyId };
    await world().iam.send(new UpdateAccessKeyCommand({ ...key, Status: 'Inactive' }));
    const refused = await client.send('GET', `${root}/connector/test`);
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { detail: expect.stringMatching(/does not accept the credentials/) },
    ]);
    // In their first minute they may be too new for AWS to know them, so that nothing is settled yet.
    const unwell = async (): Promise<boolean> =>
      ['DOWN', 'Unresolved'].includes((await client.json<Health>('GET', `${root}/connector/health`)).status);
    await eventually(async () => (await unwell()) || undefined, {
      withinMs: 30_000,
      what: 'bad credentials to be told',
    });
    await world().iam.send(new UpdateAccessKeyCommand({ ...key, Status: 'Active' }));
    await eventually(
      async () =>
        (await client.send('GET', `${root}/connector/test`)).status === 200 &&
        (await client.json<Health>('GET', `${root}/connector/health`)).status === 'UP'
          ? true
          : undefined,
      { withinMs: 90_000, what: 'good credentials to be told' },
    );
  });

  test('metadata and schemas are those of the connection, and change with it', async () => {
    interface Metadata {
      readonly accountSchema: { readonly attributes: readonly { readonly name: string }[] };
    }
    const names = async (): Promise<readonly string[]> => {
      const { accountSchema } = await client.json<Metadata>('GET', `${root}/connector/metadata`);
      return accountSchema.attributes.map(({ name }) => name);
    };
    expect(await client.json('GET', `${root}/connector/metadata`)).toMatchObject({
      name: `AWS ${namespace}/aws`,
      businessOwner: 'Jerome',
      reconciliationKeys: ['userName', 'mail', 'employeeId'],
      baseUrl: `${client.url}${root}/scim/v2`,
    });
    expect(await names()).toContain('givenName');
    const schema = {
      attributes: [
        { name: 'firstName', renames: 'givenName' },
        { name: 'team', syncDirection: 'app-to-idhub' },
        { name: 'city', removed: true },
      ],
    };
    await world().kubectl([
      'patch',
      'awsconnection',
      'aws',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { schema } }),
    ]);
    await eventually(async () => ((await names()).includes('firstName') ? true : undefined), {
      what: 'the new schema to be told',
    });
    expect(await names()).not.toContain('city');
    interface SchemaResource {
      readonly attributes: readonly { readonly name: string; readonly mutability: string }[];
    }
    const { attributes } = await client.json<SchemaResource>(
      'GET',
      `${root}/scim/v2/Schemas/urn:sath:params:scim:schemas:core:1.0:Account`,
    );
    expect(attributes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'firstName', mutability: 'readWrite' }),
        expect.objectContaining({ name: 'team', mutability: 'readOnly' }),
      ]),
    );
    expect(attributes.map(({ name }) => name)).not.toContain('city');
  });
});

describe('a pull, page by page', () => {
  interface Page {
    readonly totalResults: number;
    readonly Resources: readonly { readonly id: string; readonly userName: string }[];
  }
  const page = (startIndex: number): Promise<Page> =>
    client.json<Page>('GET', `${root}/scim/v2/Account?startIndex=${startIndex}&count=10`);

  beforeAll(async () => {
    for (let number = 1; number <= 25; number += 1) {
      await world().iam.send(new CreateUserCommand({ UserName: `pulled-${number}` }));
    }
    await resyncs(world(), 1);
  });

  test('shows the moment of its first page: whoever is deleted meanwhile moves nobody out of it', async () => {
    const first = await page(1);
    const gone = first.Resources.find(({ userName }) => userName.startsWith('pulled-'));
    await world().iam.send(new DeleteUserCommand({ UserName: gone?.userName ?? '' }));
    await resyncs(world(), 1);
    const rest: Page[] = [];
    for (let start = 11; start <= first.totalResults; start += 10) {
      rest.push(await page(start));
    }
    const ids = [first, ...rest].flatMap(({ Resources }) => Resources.map(({ id }) => id));
    expect(new Set(ids).size).toBe(first.totalResults);
    expect(ids).toContain(gone?.id);
    await eventually(async () => ((await page(1)).totalResults < first.totalResults ? true : undefined), {
      what: 'the next pull to tell of the deletion',
    });
  });

  test('a process that starts in between refuses the next page, and a pull from the beginning is whole', async () => {
    const { totalResults } = await page(1);
    await world().restartOperator('SIGKILL');
    client = await connect();
    await untilListed(client, `${root}/scim/v2/Users?count=1`);
    const next = await client.send('GET', `${root}/scim/v2/Account?startIndex=11&count=10`);
    expect([next.status, await next.json()]).toMatchObject([
      409,
      { status: '409', detail: expect.stringMatching(/startIndex=1/) },
    ]);
    const ids = new Set<string>();
    for (let start = 1; start <= totalResults; start += 10) {
      (await page(start)).Resources.forEach(({ id }) => ids.add(id));
    }
    expect(ids.size).toBe(totalResults);
  });
});
