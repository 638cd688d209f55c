import { setTimeout as sleep } from 'node:timers/promises';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import {
  awsAccountType,
  awsConnectionType,
  awsEntitlementBindingType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../../operator/api/v1alpha1/index.ts';
import { secretType, type Secret } from '../../../operator/controllers/names.ts';
import { createClient, createLogger, systemClock } from '../../../operator/runtime/index.ts';
import type { ControlPlane } from '../../cluster/index.ts';
import { communicationUser, connectionManifest, secretManifest, startWorld, type World } from '../world.ts';
import { Load } from './load.ts';
import { Others } from './others.ts';
import { isEnabled, type Person } from './person.ts';
import { Random } from './random.ts';
import { usersMadeBy } from './trail.ts';
import { verify, type Problem, type Published } from './verify.ts';
import { changeWeather, clearWeather } from './weather.ts';

export interface ChaosOptions {
  readonly plane: ControlPlane;
  /** Where the objects are; made when it is not there. */
  readonly namespace: string;
  readonly seed: number;
  /** How often the operator is killed. */
  readonly kills: number;
  /** About so many accounts are there at once. */
  readonly accounts: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface ChaosReport {
  /** Empty: every account ended as declared, and nobody else was touched. */
  readonly problems: readonly string[];
  readonly kills: number;
  /** How often each was done: by people, and by others in AWS. */
  readonly acts: Readonly<Record<string, number>>;
  /** Users that the operator has made. */
  readonly made: number;
  /** Milliseconds from the end of the faults until all was as declared. */
  readonly settledMs: number;
  /** Every line that an operator wrote. */
  readonly log: readonly string[];
}

/** How long after the last fault an account may not be as declared: over two times the 60 s for which a
 * user that was made or deleted a moment ago may look otherwise in AWS. */
const settleWithinMs = 240_000;
const flags = ['--snapshot-interval=3s', '--aws-max-rate=200'];

/**
 * Kills the operator (SIGKILL) at random moments while accounts are created, changed, renamed, disabled,
 * enabled and deleted, others change the same AWS account, and AWS is slow, fails and lags; then lets
 * it settle and compares everything that is there with what was declared.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { plane, namespace } = options;
  const world = await startWorld({ plane, namespace, start: false });
  const client = createClient({
    kubeconfig: plane.kubeconfigPath,
    clock: systemClock,
    logger: createLogger({ level: 'error', clock: systemClock, write: options.progress }),
    userAgent: 'chaos',
  });
  try {
    return await new Chaos(options, world, client).run();
  } finally {
    client.close();
    await world.stop();
  }
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #world: World;
  readonly #client: ReturnType<typeof createClient>;
  readonly #others: Others;
  readonly #random: Random;
  readonly #log: string[] = [];
  #starts = 0;
  #approvals = 0;

  constructor(options: ChaosOptions, world: World, client: ReturnType<typeof createClient>) {
    this.#options = options;
    this.#world = world;
    this.#client = client;
    this.#random = new Random(options.seed);
    this.#others = new Others({
      iam: world.iam,
      simulator: world.simulator,
      random: this.#random.fork(),
      ownerOf: this.#ownerOf,
      isRecorded: async (person, userId) => {
        const key = { namespace: options.namespace, name: person.name };
        const object = await client.get<AwsAccount>(awsAccountType, key);
        return object.metadata.annotations?.['aws.idhub.io/user-id'] === userId;
      },
    });
  }

  async run(): Promise<ChaosReport> {
    const { namespace, accounts, kills, progress } = this.#options;
    const world = this.#world;
    const boundary = await this.#others.settle();
    const load = new Load({
      client: this.#client,
      namespace,
      random: this.#random.fork(),
      accounts,
      boundary,
    });
    await world.apply(
      secretManifest(namespace, 'aws-credentials', world.credentials),
      connectionManifest(namespace, 'aws', world.simulatorUrl, {
        settings: { enableProgrammaticAccess: true },
        endpoints: {
          iam: world.simulatorUrl,
          sts: world.simulatorUrl,
          cloudtrail: world.simulatorUrl,
        },
      }),
    );
    // What turns up after a kill is told to be ours by CloudTrail: at once, not a quarter of an hour later.
    await world.simulator.configure({ cloudTrail: { perSecond: 0, delayMs: 0 } });
    await load.begin();
    await this.#storm(load);
    progress('the faults are over; waiting until all is as declared');
    await clearWeather(world.simulator);
    await this.#approve();
    const from = performance.now();
    const left = await this.#settle(load);
    const settledMs = Math.round(performance.now() - from);
    const problems = left.map(({ text }) => text);
    for (const person of new Set(left.slice(0, 20).flatMap(({ person: one }) => one ?? []))) {
      problems.push(`writes for ${person.name}: ${await this.#writesFor(person)}`);
    }
    const made = await this.#made();
    if (problems.length === 0) {
      problems.push(...(await this.#calm()));
    }
    const { operator } = world;
    this.#log.push(...operator.lines.map((line) => `${this.#starts} ${line}`));
    return {
      problems,
      kills,
      acts: { ...Object.fromEntries(load.counts), others: this.#others.acts },
      made: [...made.values()].flat().length,
      settledMs,
      log: this.#log,
    };
  }

  /** Everything at once, until the operator was killed as often as asked. */
  async #storm(load: Load): Promise<void> {
    const { signal } = this.#options;
    const { simulator, credentials } = this.#world;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const repeat = async (leastMs: number, mostMs: number, act: () => Promise<unknown>): Promise<void> => {
      const random = this.#random.fork();
      while (!over.signal.aborted) {
        signal.throwIfAborted();
        await act();
        await sleep(random.int(leastMs, mostMs), undefined, { signal: either }).catch(() => undefined);
      }
    };
    const weather = this.#random.fork();
    const work = [
      repeat(20, 250, () => load.act()),
      repeat(100, 500, () => this.#others.act(load.people)),
      repeat(5_000, 15_000, () => this.#approve()),
      repeat(2_000, 6_000, () => changeWeather(simulator, weather, credentials.accessKeyId)),
      this.#kill(load, this.#random.fork(), either),
    ];
    try {
      // The killing ends by itself, the others only by an error.
      await Promise.race(work);
    } finally {
      over.abort();
      await Promise.allSettled(work);
    }
    await Promise.all(work);
  }

  async #kill(load: Load, random: Random, signal: AbortSignal): Promise<void> {
    const { kills, progress } = this.#options;
    for (let killed = 0; killed < kills; killed += 1) {
      this.#start();
      // Some in the middle of the start, most under way, some after a long while of work.
      const [least, most] = random.weighted([
        [2, [50, 1_000]],
        [5, [1_000, 4_000]],
        [2, [4_000, 9_000]],
      ] as const);
      await sleep(random.int(least, most), undefined, { signal });
      await this.#end();
      const live = load.people.filter(({ state }) => state === 'live').length;
      progress(`kill ${killed + 1} of ${kills}: ${live} accounts, ${load.people.length - live} deleted`);
      await sleep(random.int(0, 500), undefined, { signal });
    }
    this.#start();
  }

  #start(): void {
    this.#starts += 1;
    // A start that is killed before it serves is no failure of this run; one that ends by itself shows.
    void this.#world.startOperator(flags).catch(() => undefined);
  }

  async #end(): Promise<void> {
    const { operator } = this.#world;
    if (operator.child.exitCode !== null) {
      throw new Error(`the operator ended by itself:\n${operator.lines.slice(-20).join('\n')}`);
    }
    operator.kill('SIGKILL');
    await operator.exited;
    this.#log.push(...operator.lines.map((line) => `${this.#starts} ${line}`));
  }

  /** Waits until nothing is wrong any more, or gives what still is. */
  async #settle(load: Load): Promise<readonly Problem[]> {
    const { signal, progress } = this.#options;
    const deadline = performance.now() + settleWithinMs;
    await this.#anHourPasses(load);
    for (let told = 0; ;) {
      const problems = await this.#problems(load);
      if (problems.length === 0 || performance.now() > deadline) {
        return problems;
      }
      if (performance.now() - told > 15_000) {
        told = performance.now();
        progress(`${problems.length} things are not as declared yet, such as: ${problems[0]?.text}`);
      }
      await sleep(2_000, undefined, { signal });
    }
  }

  /** More users are deleted than may go at once: somebody lets those go that were asked for so far. */
  async #approve(): Promise<void> {
    const { namespace } = this.#options;
    const annotations = { 'aws.idhub.io/approve-deletions': `chaos ${(this.#approvals += 1)}` };
    const key = { namespace, name: 'aws' };
    await this.#client.mergePatch<AwsConnection>(awsConnectionType, key, { metadata: { annotations } });
  }

  /** The credentials of disabled accounts are audited within an hour: as if it was over. */
  async #anHourPasses(load: Load): Promise<void> {
    const { namespace } = this.#options;
    for (const { name } of load.people.filter((each) => each.state === 'live' && !isEnabled(each))) {
      const patch = JSON.stringify({ status: { credentialsAuditedAt: null } });
      await this.#world.kubectl([
        'patch',
        'awsaccount',
        name,
        `--namespace=${namespace}`,
        '--subresource=status',
        '--type=merge',
        `--patch=${patch}`,
      ]);
    }
  }

  async #problems(load: Load): Promise<readonly Problem[]> {
    const { namespace } = this.#options;
    const { simulator, accounts } = this.#world;
    const { items } = await this.#client.list<AwsAccount>(awsAccountType, { namespace });
    const bindings = await this.#client.list<AwsEntitlementBinding>(awsEntitlementBindingType, { namespace });
    const { users } = await simulator.account();
    const foreign = new Set([
      ...this.#others.foreign.keys(),
      ...accounts.map(({ adminUserName }) => adminUserName),
      communicationUser,
    ]);
    const touched = (await this.#others.check()).map((text) => ({ person: undefined, text }));
    const found = verify({
      people: load.people,
      objects: items,
      bindings: bindings.items,
      published: await this.#published(),
      users,
      made: await this.#made(),
      foreign,
      children: this.#others.children,
      ownerOf: this.#ownerOf,
    });
    return [...found, ...touched];
  }

  /** The keys in the Secrets of accounts, each tried out. */
  async #published(): Promise<ReadonlyMap<string, Published>> {
    const { namespace } = this.#options;
    const { items } = await this.#client.list<Secret>(secretType, { namespace });
    const published = new Map<string, Published>();
    for (const { metadata, data = {} } of items.filter(({ metadata: { name } }) =>
      name.startsWith('person-'),
    )) {
      const text = (entry: string): string | undefined =>
        data[entry] === undefined ? undefined : Buffer.from(data[entry], 'base64').toString('utf8');
      published.set(metadata.name.replace('-credentials', ''), {
        accessKeyId: text('accessKeyId'),
        userName: text('userName'),
        callerArn: await this.#whoIs(text('accessKeyId'), text('secretAccessKey')),
      });
    }
    return published;
  }

  async #whoIs(accessKeyId = '', secretAccessKey = ''): Promise<string | undefined> {
    const credentials = { accessKeyId, secretAccessKey };
    const sts = new STSClient({ endpoint: this.#world.simulatorUrl, region: 'us-east-1', credentials });
    try {
      return (await sts.send(new GetCallerIdentityCommand({}))).Arn;
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== 403) {
        throw error;
      }
      return undefined;
    } finally {
      sts.destroy();
    }
  }

  /** Once all is as declared, a new process has nothing to write. */
  async #calm(): Promise<readonly string[]> {
    const { signal, progress } = this.#options;
    progress('all is as declared; one more start must write nothing');
    await this.#world.restartOperator('SIGTERM');
    this.#starts += 1;
    await this.#world.simulator.resetCalls();
    await sleep(8_000, undefined, { signal });
    const writes = await this.#world.simulator.writes();
    return writes.map(({ operation, user }) => `a start with nothing to do called ${operation} on ${user}`);
  }

  async #made(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { simulator, simulatorUrl: url, accounts } = this.#world;
    const [administrator] = accounts;
    if (administrator === undefined) {
      throw new Error('the simulator has no account');
    }
    await simulator.configure({ cloudTrail: { perSecond: 0 } });
    return usersMadeBy(communicationUser, { url, credentials: administrator });
  }

  /** What AWS was asked for a person, by any name that it had. */
  async #writesFor({ names }: Person): Promise<string> {
    const asked = new Set(names.map((name) => name.toLowerCase()));
    const writes = await this.#world.simulator.writes();
    return writes
      .filter(({ user }) => user !== undefined && asked.has(user.toLowerCase()))
      .map(({ at, operation, user, code, dropped, principal }) => {
        const time = new Date(at).toISOString().slice(11, 23);
        const lost = dropped === undefined ? '' : ` (dropped ${dropped})`;
        return `${time} ${operation} ${user} ${code}${lost} by ${principal.replace(/^.*\//, '')}`;
      })
      .join('; ');
  }

  readonly #ownerOf = (name: string): string => {
    const { namespace } = this.#options;
    return `${namespace}/${namespace}/${name}`;
  };
}
