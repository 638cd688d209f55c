import { afterAll, beforeAll, jest } from '@jest/globals';
import type { AwsAccount } from '../../operator/api/v1alpha1/index.ts';
import { sharedControlPlane } from '../cluster/index.ts';
import type { UserDump, WriteRecord } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

/** Readings of the account, and with them resyncs of every object, come this often in these suites. */
export const snapshotEvery = '--snapshot-interval=1s';

/** A world in a namespace of its own on the shared control plane, for all tests of a suite. */
export function worldFor(
  namespace: string,
  options: Omit<WorldOptions, 'plane' | 'namespace'> = {},
): () => World {
  jest.setTimeout(120_000);
  let world: World | undefined;
  beforeAll(async () => {
    const plane = sharedControlPlane();
    await plane.installCrds();
    world = await startWorld({ plane, namespace, operator: [snapshotEvery], ...options });
  });
  afterAll(async () => world?.stop());
  return () => {
    if (world === undefined) {
      throw new Error('the world is there when beforeAll has run');
    }
    return world;
  };
}

/** Waits until the account was read to its end this often again, and every object looked at after each. */
export async function resyncs(world: World, count: number): Promise<void> {
  const readings = async (): Promise<number> => {
    const text = await world.metrics();
    const match = new RegExp(
      `^idhub_aws_calls_total\\{connection="${world.namespace}/aws",[^}]*operation="GetAccountAuthorizationDetails",outcome="ok"\\} (\\d+)$`,
      'm',
    );
    return Number(match.exec(text)?.[1] ?? 0);
  };
  // One more than asked: the last one may just have ended, and its objects are still in the queue.
  const wanted = (await readings()) + count + 1;
  await eventually(async () => ((await readings()) >= wanted ? true : undefined), {
    withinMs: 15_000 + count * 3_000,
    what: `${count} resyncs`,
  });
}

/** Writes that the operator sent, in their order; those of a test behind its back are left out. */
export async function operatorWrites(world: World, userName?: string): Promise<readonly WriteRecord[]> {
  const administrators = new Set(world.accounts.map((account) => account.accessKeyId));
  return (await world.simulator.writes()).filter(
    (write) =>
      !administrators.has(write.accessKeyId) &&
      (userName === undefined || write.user?.toLowerCase() === userName.toLowerCase()),
  );
}

/** The names of the operator's writes to a user, such as `TagUser`; refused ones carry their code. */
export async function operations(world: World, userName?: string): Promise<string[]> {
  return (await operatorWrites(world, userName)).map(({ operation, code }) =>
    code === 'OK' ? operation : `${operation}!${code}`,
  );
}

/** The writes of the operator that AWS took. */
export async function changes(world: World, userName?: string): Promise<string[]> {
  return (await operations(world, userName)).filter((each) => !each.includes('!'));
}

/** A user that is there, from the simulator's state. */
export async function user(world: World, userName: string): Promise<UserDump> {
  const found = await world.simulator.user(userName);
  if (found === undefined) {
    throw new Error(`there is no user ${userName}`);
  }
  return found;
}

export interface SeenEvent {
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  /** How often it was seen. */
  readonly count: number;
}

/** Events on an object, as `kubectl get events` shows them. */
export async function events(world: World, name: string): Promise<SeenEvent[]> {
  const { items } = JSON.parse(
    await world.kubectl([
      'get',
      'events',
      '-n',
      world.namespace,
      `--field-selector=involvedObject.name=${name}`,
      '-o',
      'json',
    ]),
  ) as { items: { reason: string; message: string; type: string; series?: { count: number } }[] };
  return items.map(({ reason, message, type, series }) => ({
    reason,
    message,
    type,
    count: series?.count ?? 1,
  }));
}

/** Waits for an event of this reason; events are written after what they tell of. */
export async function event(world: World, name: string, reason: string): Promise<SeenEvent> {
  return eventually(async () => (await events(world, name)).find((each) => each.reason === reason), {
    withinMs: 15_000,
    everyMs: 200,
    what: `event ${reason} on ${name}`,
  });
}

/** A merge patch of one of our objects, as a person's `kubectl patch` sends it. */
export async function patch(
  world: World,
  name: string,
  change: object,
  kind:
    'awsaccount' | 'awsconnection' | 'awsentitlementbinding' | 'awsreconciliation' | 'secret' = 'awsaccount',
): Promise<void> {
  await world.kubectl([
    'patch',
    kind,
    name,
    '-n',
    world.namespace,
    '--type=merge',
    '-p',
    JSON.stringify(change),
  ]);
}

/** Deletes an account without waiting for its finalizer. */
export async function remove(world: World, ...names: readonly string[]): Promise<void> {
  await world.kubectl(['delete', 'awsaccount', ...names, '-n', world.namespace, '--wait=false']);
}

/** Deletes bindings without waiting for their finalizer. */
export async function removeBindings(world: World, ...names: readonly string[]): Promise<void> {
  await world.kubectl(['delete', 'awsbind', ...names, '-n', world.namespace, '--wait=false']);
}

export async function exists(world: World, kind: string, name: string): Promise<boolean> {
  return (
    (await world.kubectl(['get', kind, name, '-n', world.namespace, '--ignore-not-found', '-o', 'name'])) !==
    ''
  );
}

/** Waits until an object is gone from the API server. */
export async function gone(
  world: World,
  name: string,
  withinMs = 20_000,
  kind = 'awsaccount',
): Promise<void> {
  await eventually(async () => ((await exists(world, kind, name)) ? undefined : true), {
    withinMs,
    everyMs: 100,
    what: `${kind} ${name} to be gone`,
  });
}

/** Waits until the account is Ready, its unique id is written on it, and nothing is left to be written. */
export async function settled(world: World, name: string): Promise<void> {
  await world.until('awsaccount', name, { status: 'True' });
  await eventually(
    async () =>
      (await world.account(name)).metadata.annotations?.['aws.idhub.io/user-id'] === undefined
        ? undefined
        : true,
    { what: `the unique id on ${name}` },
  );
}

/** Waits until Ready is of this status, and reason where given, on all of these accounts, for their present generation. */
export async function untilAll(
  world: World,
  names: readonly string[],
  wanted: { readonly status: string; readonly reason?: string; readonly withinMs?: number },
): Promise<void> {
  const missing = new Set<string>(names);
  await eventually(
    async () => {
      const { items } = JSON.parse(
        await world.kubectl(['get', 'awsaccount', '-n', world.namespace, '-o', 'json']),
      ) as { items: AwsAccount[] };
      for (const name of names) {
        missing.add(name);
      }
      for (const { metadata, status } of items) {
        const ready = status?.conditions?.find(({ type }) => type === 'Ready');
        if (
          ready?.status === wanted.status &&
          ready.observedGeneration === metadata.generation &&
          (wanted.reason === undefined || ready.reason === wanted.reason)
        ) {
          missing.delete(metadata.name);
        }
      }
      return missing.size === 0 ? true : undefined;
    },
    { withinMs: wanted.withinMs ?? 30_000, everyMs: 250, what: `Ready=${wanted.status} of all` },
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; not so: ${[...missing].join(', ')}`, { cause: error });
  });
}
