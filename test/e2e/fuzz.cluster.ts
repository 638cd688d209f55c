import { AttachUserPolicyCommand, CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, expect, test } from '@jest/globals';
import { heapOf, inspectable } from '../support/inspected.ts';
import { eventually } from '../support/process.ts';
import { Random } from './chaos/random.ts';
import { fuzzRequest, sendRequest, type Known } from './fuzz/index.ts';
import { snapshotEvery, worldFor } from './support.ts';
import { PortClient, portUrl, untilListed, writeCallers } from './port.ts';

const namespace = 'fuzz';
const secret = 'e2e-fuzz';
const token = 'e2e-fuzz-token-0123456789';
const seed = 20_260_101;
const requests = 10_000;
const rounds = 2;
const atOnce = 12;
/** So often it is looked at what there is: requests delete, too. */
const lookEvery = 100;
/** What one round more may add to the heap: a leak of 1 KB a request would be 5 MB. */
const mostGrowth = 4 * 1_048_576;

const world = worldFor(namespace, {
  node: [inspectable],
  operator: [
    snapshotEvery,
    `--http-auth-secret=${secret}`,
    `--default-connection=${namespace}/aws`,
    '--trusted-proxies=127.0.0.1',
    // A reading may take long beside all this; a list of an old one is not what is looked at here.
    '--list-max-age=10m',
    '--http-caller-rate=10000',
    // Fewer than the 20 deletions that the controller does at once: it would have the others wait, which is 503.
    '--http-shutout-burst=15',
  ],
});

afterAll(async () => writeCallers(world(), secret, undefined));

interface Listed {
  readonly Resources: readonly { readonly id: string }[];
}

test(`${requests} malformed requests: no 5xx, no crash, no growth`, async () => {
  await writeCallers(world(), secret, { 'token.fuzz': token });
  for (let index = 0; index < 10; index += 1) {
    await world().iam.send(new CreateUserCommand({ UserName: `there-${index}` }));
  }
  await world().iam.send(new CreateGroupCommand({ GroupName: 'there' }));
  await world().iam.send(
    new AttachUserPolicyCommand({ UserName: 'there-0', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
  );
  const authorization = `Bearer ${token}`;
  const url = await portUrl(world().operator);
  const client = new PortClient({ url, authorization });
  await untilListed(client, '/scim/v2/Users?filter=userName%20eq%20%22there-9%22');
  const idsOf = (kind: string): Promise<string[]> =>
    eventually(
      async () => {
        const { Resources } = await client.json<Listed>('GET', `/scim/v2/${kind}?count=20`);
        return Resources.length === 0 ? undefined : Resources.map(({ id }) => id);
      },
      { withinMs: 20_000, everyMs: 300, what: `${kind} to be listed` },
    );
  const look = async (): Promise<Known> => ({
    users: await idsOf('Users'),
    groups: await idsOf('Groups'),
    entitlements: (await idsOf('Entitlement')).map((id) => encodeURIComponent(id)),
  });
  let known = await look();
  const random = new Random(seed);
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  const heaps: number[] = [];
  const { pid } = world().operator;
  for (let round = 0; round < rounds; round += 1) {
    let left = requests / rounds;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        if (left % lookEvery === 0) {
          known = await look();
        }
        const asked = fuzzRequest({ random, known, authorization, connection: `${namespace}/aws` });
        const { status, text } = await sendRequest(Number(new URL(url).port), asked);
        const key = String(status ?? 'ended');
        counts.set(key, (counts.get(key) ?? 0) + 1);
        // 501 is what SCIM says of what a service does not have at all (RFC 7644, table 8).
        if (
          (status === undefined ? asked.whole : status >= 500 && status !== 501) ||
          /\n\s+at |node_modules|\.mjs:\d/.test(text)
        ) {
          wrong.push(`${asked.line}\n${text.slice(0, 600)}\n${asked.bytes.toString('latin1').slice(-600)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    heaps.push(await heapOf(world().operator));
  }
  console.info(`answers: ${JSON.stringify(Object.fromEntries(counts))}; heap: ${heaps.join(', ')}`);
  expect(wrong).toEqual([]);
  // The requests are no good if they do not come anywhere.
  for (const status of ['200', '201', '204', '400', '401', '404', '405', '409', '415', '429']) {
    expect([status, (counts.get(status) ?? 0) > 5]).toEqual([status, true]);
  }
  expect(heaps[1] ?? 0).toBeLessThan((heaps[0] ?? 0) + mostGrowth);
  expect(world().operator.pid).toBe(pid);
  expect((await client.send('GET', '/scim/v2/Users?count=1')).status).toBe(200);
  expect(world().operator.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
}, 900_000);
