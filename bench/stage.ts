import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import {
  awsAccountType,
  awsConnectionType,
  awsEntitlementBindingType,
  awsReconciliationType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
  type AwsReconciliation,
} from '../operator/api/v1alpha1/index.ts';
import { createClient, createLogger, systemClock, type Client } from '../operator/runtime/index.ts';
import { startControlPlane, type ControlPlane } from '../test/cluster/index.ts';
import {
  communicationUser,
  connectionManifest,
  iamClient,
  makeCommunicationUser,
  secretManifest,
  systemNamespace,
} from '../test/e2e/world.ts';
import {
  SimulatorControl,
  type AccountDump,
  type CallCounts,
  type SimulatedAccount,
} from '../test/simulator/index.ts';
import { operatorNodeFlags } from '../test/support/operator-process.ts';
import { startProcess, type StartedProcess } from '../test/support/process.ts';
import { apiServerWrites, parseMetrics, sumOf, type Sample } from './metrics.ts';

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'dist/operator.mjs');
/** Of this process: in a cluster that is there already, those of another run may still be on their way out. */
const namespace = `bench-${process.pid}`;
const operatorNamespace = `${systemNamespace}-${process.pid}`;
const connection = 'aws';
/** Of this process, for its own operator. */
const scimToken = randomBytes(24).toString('hex');
/** How many objects are made at once. */
const makers = 16;
/** Nothing got better for so long: something is wrong. */
const stallMs = 120_000;

export interface StageOptions {
  readonly accounts: number;
  /** Bindings of each account, each to another group; 0 to 10. */
  readonly bindings: number;
  /** Users that are in AWS before anything begins, and that nobody declares; default none. */
  readonly users?: number;
  /** AWS accounts, each with so many `users`; 1 unless told. */
  readonly connections?: number;
  /** Delay of every answer of AWS, milliseconds. */
  readonly latencyMs: number;
  /** Flags of Node for the operator's process. */
  readonly nodeFlags: readonly string[];
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export type RunStatus = NonNullable<AwsReconciliation['status']>;

/** An operator under measurement. */
export interface MeasuredOperator {
  /** When its process was started, on the clock of `performance.now()`. */
  readonly startedAt: number;
  samples(): Promise<readonly Sample[]>;
  /** The most memory that the process has had, MB (10^6 bytes). */
  peakRssMb(): Promise<number>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** The port for IDHub of an operator under measurement. */
export interface ScimPort {
  /** Sends a request below `/scim/v2` of the one connection, a POST where there is a body, and reads the answer to its end. */
  ask(path: string, body?: object): Promise<{ readonly status: number; readonly text: string }>;
}

/** A fresh control plane, a simulated AWS account, a connection, and accounts that are declared. */
export class Stage {
  readonly #options: StageOptions;
  readonly #cleanups: (() => Promise<unknown> | void)[] = [];
  #plane: ControlPlane | undefined;
  #client: Client | undefined;
  #simulator: SimulatorControl | undefined;
  #iam: IAMClient | undefined;
  #accessKeyId = '';
  #declared = 0;
  #others: readonly SimulatedAccount[] = [];
  #url = '';
  #operator: StartedProcess | undefined;
  #kubeconfig = '';

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** Everything but the operator, with the first `declared` accounts. What was started before a failure is ended by `close`. */
  async open(declared = this.#options.accounts): Promise<void> {
    const { accounts, bindings, latencyMs, progress } = this.#options;
    progress('starting a control plane');
    const plane = await startControlPlane({ log: progress });
    this.#plane = plane;
    this.#cleanups.push(() => plane.stop());
    this.#proceed();
    await plane.installCrds();

    const process_ = startProcess(process.execPath, [
      join(root, 'bench/simulator.ts'),
      `--users=${accounts}`,
      `--made=${this.#options.users ?? 0}`,
      `--accounts=${this.#options.connections ?? 1}`,
      `--latency=${latencyMs}`,
    ]);
    this.#cleanups.push(() => process_.stop());
    const started = JSON.parse(await process_.line((line) => line.startsWith('{'))) as {
      port: number;
      accounts: SimulatedAccount[];
    };
    const url = `http://127.0.0.1:${started.port}`;
    const [account, ...others] = started.accounts;
    if (account === undefined) {
      throw new Error('the simulator has no account');
    }
    this.#others = others;
    this.#url = url;
    this.#simulator = new SimulatorControl(url);
    const iam = iamClient(url, account);
    this.#iam = iam;
    this.#cleanups.push(() => iam.destroy());
    const credentials = await makeCommunicationUser(iam, communicationUser);
    for (let number = 1; number <= bindings; number += 1) {
      await iam.send(new CreateGroupCommand({ GroupName: groupOf(number) }));
    }
    this.#accessKeyId = credentials.accessKeyId;

    for (const name of [operatorNamespace, namespace]) {
      await plane.createNamespace(name);
    }
    const rbac = await readFile(join(root, 'test/e2e/operator-rbac.yaml'), 'utf8');
    const own = rbac.replaceAll(systemNamespace, operatorNamespace);
    this.#kubeconfig = (await plane.serviceAccount(operatorNamespace, 'operator', own)).kubeconfigPath;
    const client = createClient({
      kubeconfig: plane.kubeconfigPath,
      clock: systemClock,
      logger: createLogger({ level: 'error', clock: systemClock, write: progress }),
      userAgent: 'idhub-aws-connector-bench',
    });
    this.#client = client;
    this.#cleanups.push(() => client.close());
    await this.#kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          secretManifest(namespace, `${connection}-credentials`, credentials),
          connectionManifest(namespace, connection, url),
        ],
      }),
    );
    await this.declare(declared);
  }

  /** Starts the operator's bundle with its own defaults, and these flags. */
  async startOperator(flags: readonly string[] = []): Promise<MeasuredOperator> {
    this.#proceed();
    const startedAt = performance.now();
    const operator = startProcess(process.execPath, [
      ...operatorNodeFlags,
      ...this.#options.nodeFlags,
      bundle,
      `--kubeconfig=${this.#kubeconfig}`,
      `--namespace=${operatorNamespace}`,
      `--watch-namespaces=${namespace}`,
      '--installation-id=bench',
      '--no-leader-elect',
      '--metrics-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      '--allow-endpoint-override',
      ...flags,
    ]);
    this.#operator = operator;
    this.#cleanups.push(() => operator.stop());
    const serving = await operator.line((line) => line.includes('serving metrics'));
    const url = `http://127.0.0.1:${(JSON.parse(serving) as { port: number }).port}/metrics`;
    return {
      startedAt,
      samples: async () =>
        parseMetrics(await (await fetch(url, { signal: AbortSignal.timeout(30_000) })).text()),
      peakRssMb: () => peakRssMb(operator.pid),
      end: async (signal) => {
        operator.kill(signal);
        await operator.exited;
      },
    };
  }

  /** Makes a caller of the port for IDHub. @returns the flags of an operator that lets it in, as often as it likes */
  async scimFlags(): Promise<readonly string[]> {
    await this.#kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace: operatorNamespace, name: 'callers' },
        stringData: { 'token.bench': scimToken },
      }),
    );
    return [
      '--http-auth-secret=callers',
      `--default-connection=${namespace}/${connection}`,
      '--http-caller-rate=10000',
      // Each address has a limit of its own: the requests come as if from many.
      '--trusted-proxies=127.0.0.1',
    ];
  }

  /** The port of the operator that was started last, with `scimFlags`. */
  async scimPort(): Promise<ScimPort> {
    const serving = await this.#operator?.line((line) => line.includes('serving SCIM'));
    const { port } = JSON.parse(serving ?? '{}') as { port: number };
    let requests = 0;
    return {
      ask: async (path, body) => {
        requests += 1;
        const answer = await fetch(`http://127.0.0.1:${port}/scim/v2${path}`, {
          headers: {
            authorization: `Bearer ${scimToken}`,
            'x-forwarded-for': `10.0.${Math.floor(requests / 250) % 250}.${(requests % 250) + 1}`,
            ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
          },
          ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
          signal: AbortSignal.any([this.#options.signal, AbortSignal.timeout(60_000)]),
        });
        return { status: answer.status, text: await answer.text() };
      },
    };
  }

  /** Resolves when `reached` has its value; `progressing` must change now and then until it does. */
  async until<T>(
    what: string,
    everyMs: number,
    look: () => Promise<{ reached: T | undefined; progressing: number }>,
  ): Promise<T> {
    let last = Number.NaN;
    let changedAt = performance.now();
    let toldAt = performance.now();
    for (;;) {
      this.#proceed();
      const { reached, progressing } = await look();
      if (reached !== undefined) {
        return reached;
      }
      const now = performance.now();
      if (progressing !== last) {
        last = progressing;
        changedAt = now;
      }
      if (now - changedAt > stallMs) {
        throw this.#failure(`${what}: nothing has changed for ${stallMs / 1_000} s`);
      }
      if (now - toldAt > 5_000) {
        toldAt = now;
        this.#options.progress(`${what}: ${progressing}`);
      }
      await sleep(everyMs, undefined, { signal: this.#options.signal });
    }
  }

  /** @returns the moment, on the clock of `performance.now()`, at which every account was seen to be Ready */
  untilReady(operator: MeasuredOperator): Promise<number> {
    const objects = this.#declared * (1 + this.#options.bindings);
    return this.until(`objects of ${objects} that are Ready`, 200, async () => {
      const samples = await operator.samples();
      const ready = ['idhub_accounts', 'idhub_bindings']
        .map((name) => sumOf(samples, name, { ready: 'True' }))
        .reduce((sum, count) => sum + count, 0);
      return { reached: ready >= objects ? performance.now() : undefined, progressing: ready };
    });
  }

  /** Gives the user of an account a password and an access key, as somebody else would, outside of any count. */
  async furnish(number: number): Promise<void> {
    const UserName = userNameOf(number);
    await this.#administrator.send(
      new CreateLoginProfileCommand({ UserName, Password: `Made-up-${number}-for-a-bench` }),
    );
    await this.#administrator.send(new CreateAccessKeyCommand({ UserName }));
  }

  /** Sets `spec.enabled` of an account. @returns the moment, on the clock of `performance.now()` */
  async enable(number: number, enabled: boolean): Promise<number> {
    await this.#api.mergePatch(
      awsAccountType,
      { namespace, name: nameOf(number) },
      { spec: { enabled } },
      { signal: this.#options.signal },
    );
    return performance.now();
  }

  /** @returns the moment at which the user was denied everything and had no credential that works */
  untilShutOut(number: number): Promise<number> {
    return this.until('disable', 10, async () => {
      const user = await this.#aws.user(userNameOf(number));
      const open =
        user === undefined ||
        user.inlinePolicies['IDHubDisabled'] === undefined ||
        user.hasLoginProfile ||
        user.accessKeys.some(({ status }) => status === 'Active');
      return { reached: open ? undefined : performance.now(), progressing: 0 };
    });
  }

  /** An administrator's client: what happens in AWS behind the operator's back, outside of any count. */
  get iam(): IAMClient {
    return this.#administrator;
  }

  /** What there is in AWS. */
  aws(): Promise<AccountDump> {
    return this.#aws.account();
  }

  /** Makes a run and waits for its end. @returns its status; rejects where it did not come to a good one */
  async reconcile(name: string, spec: Partial<AwsReconciliation['spec']>): Promise<RunStatus> {
    const { signal } = this.#options;
    await this.#api.create<AwsReconciliation>(
      awsReconciliationType,
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsReconciliation',
        metadata: { namespace, name },
        spec: { connectionRef: { name: connection }, ...spec },
      },
      { signal },
    );
    return this.until(`run ${name}`, 50, async () => {
      const { status } = await this.#api.get(awsReconciliationType, { namespace, name }, { signal });
      const is = (type: string): boolean =>
        status?.conditions?.some((each) => each.type === type && each.status === 'True') === true;
      if (is('Failed')) {
        throw this.#failure(`the run ${name} has failed: ${JSON.stringify(status?.conditions)}`);
      }
      return { reached: is('Complete') ? status : undefined, progressing: status?.progress?.done ?? 0 };
    });
  }

  /** How many users of accounts there are in AWS. */
  async users(): Promise<number> {
    const { users } = await this.#aws.account();
    return users.filter((user) => user.tags['aws.idhub.io/owner'] !== undefined).length;
  }

  /**
   * As `untilReady`, for the moment at which a snapshot was taken and every account was worked on since,
   * with nothing left to do: the work queue is empty and no worker is busy.
   */
  untilWorkedOff(operator: MeasuredOperator): Promise<number> {
    const accounts = this.#declared;
    const controller = { controller: 'awsaccount' };
    let snapshotSeen = false;
    return this.until('passes over accounts', 200, async () => {
      const samples = await operator.samples();
      const passes = sumOf(samples, 'controller_runtime_reconcile_total', controller);
      const left =
        sumOf(samples, 'workqueue_depth', controller) +
        sumOf(samples, 'controller_runtime_active_workers', controller);
      // The snapshot puts all accounts into the queue: emptiness means something from the next look on.
      const reached = snapshotSeen && passes >= accounts && left === 0 ? performance.now() : undefined;
      snapshotSeen ||= sumOf(samples, 'idhub_snapshot_users') > 0;
      return { reached, progressing: passes };
    });
  }

  /** Makes a connection to each further AWS account, as its administrator. */
  async connect(): Promise<void> {
    const items = this.#others.flatMap(({ id: accountId, accessKeyId, secretAccessKey }) => [
      secretManifest(namespace, `aws-${accountId}-credentials`, { accessKeyId, secretAccessKey }),
      connectionManifest(namespace, `aws-${accountId}`, this.#url),
    ]);
    await this.#kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  /** Waits until the AWS account was read for the first time, with so many users. */
  async untilUsersRead(operator: MeasuredOperator, count: number): Promise<void> {
    await this.until('users that were read', 100, async () => {
      const users = sumOf(await operator.samples(), 'idhub_snapshot_users');
      return { reached: users >= count ? true : undefined, progressing: users };
    });
  }

  /** How many connections have read their AWS account, with so many users at least. */
  async connectionsRead(users: number): Promise<number> {
    const { items } = await this.#api.list<AwsConnection>(awsConnectionType, { namespace });
    return items.filter(({ status }) => (status?.snapshot?.users ?? 0) >= users).length;
  }

  /** What all AWS accounts were asked since the last reset, whoever asked. */
  awsCallsOfAll(): Promise<CallCounts> {
    return this.#aws.calls();
  }

  /** Waits for so many further readings of the AWS account. */
  async untilSnapshots(count: number): Promise<void> {
    let seen = 0;
    let last: string | undefined;
    await this.until('readings of the AWS account', 100, async () => {
      const object = await this.#api.get<AwsConnection>(awsConnectionType, { namespace, name: connection });
      const takenAt = object.status?.snapshot?.takenAt;
      seen += last !== undefined && takenAt !== last ? 1 : 0;
      last = takenAt;
      return { reached: seen >= count ? true : undefined, progressing: seen };
    });
  }

  /** What AWS was asked since the last reset; an error where somebody else than the operator asked. */
  async awsCalls(): Promise<CallCounts> {
    const counts = await this.#aws.calls();
    const others = Object.keys(counts.byAccessKey).filter((key) => key !== this.#accessKeyId);
    if (others.length > 0) {
      throw new Error(`others have called AWS too: ${others.join(', ')}`);
    }
    return counts;
  }

  /** Counts start again from zero, after everything under way has ended. */
  async resetAwsCalls(): Promise<void> {
    await this.until('calls under way', 50, async () => {
      const { inFlight } = await this.#aws.calls();
      return { reached: inFlight === 0 ? true : undefined, progressing: inFlight };
    });
    await this.#aws.resetCalls();
  }

  /** Writes of the operator's kinds and of Secrets that the API server has answered so far. */
  async apiServerWrites(): Promise<ReadonlyMap<string, number>> {
    return apiServerWrites(parseMetrics(await this.#kubectl(['get', '--raw', '/metrics'])));
  }

  /** Rejects unless each account is Ready in its present generation and has exactly one IAM user, in its groups. */
  async verify(): Promise<void> {
    const { items } = await this.#api.list<AwsAccount>(awsAccountType, { namespace });
    const wrong = items.filter((account) => {
      const ready = account.status?.conditions?.find((condition) => condition.type === 'Ready');
      return ready?.status !== 'True' || ready.observedGeneration !== account.metadata.generation;
    });
    const { users } = await this.#aws.account();
    const owned = users.filter((user) => user.tags['aws.idhub.io/owner'] !== undefined);
    const unbound = owned.filter((user) => user.groups.length !== this.#options.bindings);
    if (wrong.length > 0 || owned.length !== this.#declared || unbound.length > 0) {
      throw this.#failure(
        `of ${items.length} accounts, ${wrong.length} are not Ready; IAM has ${owned.length} users of theirs, ` +
          `${unbound.length} of them without the groups that are declared`,
      );
    }
  }

  /** Ends and removes all of it; may be called at any time, and again. */
  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).toReversed()) {
      await cleanup();
    }
  }

  get #api(): Client {
    if (this.#client === undefined) {
      throw new Error('the stage is not open');
    }
    return this.#client;
  }

  get #aws(): SimulatorControl {
    if (this.#simulator === undefined) {
      throw new Error('the stage is not open');
    }
    return this.#simulator;
  }

  get #administrator(): IAMClient {
    if (this.#iam === undefined) {
      throw new Error('the stage is not open');
    }
    return this.#iam;
  }

  #proceed(): void {
    this.#options.signal.throwIfAborted();
  }

  #failure(what: string): Error {
    return new Error(`${what}. The operator's last lines:\n${this.#operator?.lines.slice(-15).join('\n')}`);
  }

  async #kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const answer = await this.#plane?.kubectl(args, stdin === undefined ? {} : { stdin });
    if (answer?.code !== 0) {
      throw new Error(`kubectl ${args.join(' ')}: ${answer?.stderr}`);
    }
    return answer.stdout;
  }

  /** Declares accounts and their bindings, up to this number of accounts. */
  async declare(accounts: number): Promise<void> {
    const { bindings, signal, progress } = this.#options;
    progress(
      `declaring ${accounts - this.#declared} accounts${bindings > 0 ? `, ${bindings} bindings each` : ''}`,
    );
    let next = this.#declared + 1;
    this.#declared = accounts;
    const make = async (): Promise<void> => {
      while (next <= accounts) {
        const number = next;
        next += 1;
        await this.#api.create<AwsAccount>(awsAccountType, accountOf(number), { signal });
        for (let group = 1; group <= bindings; group += 1) {
          const binding = bindingOf(number, group);
          await this.#api.create<AwsEntitlementBinding>(awsEntitlementBindingType, binding, { signal });
        }
        if (number % 1_000 === 0 && number < accounts) {
          progress(`declared ${number}`);
        }
      }
    };
    await Promise.all(Array.from({ length: makers }, make));
  }
}

function digitsOf(number: number): string {
  return String(number).padStart(5, '0');
}

function nameOf(number: number): string {
  return `person-${digitsOf(number)}`;
}

function userNameOf(number: number): string {
  return `person.${digitsOf(number)}`;
}

function groupOf(number: number): string {
  return `group-${number}`;
}

function bindingOf(account: number, group: number): AwsEntitlementBinding {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsEntitlementBinding',
    metadata: { namespace, name: `${nameOf(account)}-${group}` },
    spec: { accountRef: { name: nameOf(account) }, entitlement: { type: 'Group', name: groupOf(group) } },
  };
}

/** A person with the attributes that most have. */
function accountOf(number: number): AwsAccount {
  const digits = digitsOf(number);
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: { namespace, name: nameOf(number) },
    spec: {
      connectionRef: { name: connection },
      userName: userNameOf(number),
      path: '/people/',
      attributes: {
        givenName: `Given${digits}`,
        surname: `O'Surname${digits}`,
        displayName: `Given${digits} Surname${digits}`,
        mail: `person.${digits}@example.com`,
        department: 'Engineering',
        employeeId: digits,
      },
    },
  };
}

/** The kernel's high-water mark of a process (proc(5), VmHWM, in units of 1,024 bytes). */
async function peakRssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (Number.isNaN(kib)) {
    throw new TypeError(`/proc/${pid}/status has no VmHWM`);
  }
  return Math.round((kib * 1_024) / 1e6);
}
