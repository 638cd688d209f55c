import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import type {
  AwsAccount,
  AwsConnection,
  AwsEntitlementBinding,
  AwsReconciliation,
} from '../../operator/api/v1alpha1/index.ts';
import type { ControlPlane } from '../cluster/index.ts';
import { SimulatorControl, type SimulatedAccount } from '../simulator/index.ts';
import { operatorNodeFlags } from '../support/operator-process.ts';
import { eventually, startProcess, type StartedProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
/** The operator's namespace, and the name of its ServiceAccount in it. */
export const systemNamespace = 'idhub-system';
export const communicationUser = 'idhub-connector';

export interface WorldOptions {
  readonly plane: ControlPlane;
  /** Where the objects of this world are; made when it is not there. */
  readonly namespace: string;
  /** Further arguments of `npm run simulator`; identity policies are always enforced. */
  readonly simulator?: readonly string[];
  /** Further flags of the operator. */
  readonly operator?: readonly string[];
  /** Flags of Node for the operator's process, beside those that it always has. */
  readonly node?: readonly string[];
  /** Default true: start the operator, and make the Secret and the connection `aws`. */
  readonly start?: boolean;
  /** Another world whose simulated AWS this one uses, and does not end. */
  readonly aws?: World;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * A control plane, a simulated AWS and the operator's bundle as a process, with exactly the
 * Kubernetes rights of operator-rbac.yaml and exactly the AWS policies of docs/aws-policy.
 */
export interface World {
  readonly plane: ControlPlane;
  readonly namespace: string;
  readonly simulator: SimulatorControl;
  readonly simulatorUrl: string;
  readonly simulatorProcess: StartedProcess;
  readonly accounts: readonly SimulatedAccount[];
  /** An administrator's client of the first account: what happens behind the operator's back. */
  readonly iam: IAMClient;
  /** What the connection `aws` signs with. */
  readonly credentials: Credentials;
  /** Its lines are JSON logs; started anew by `restartOperator`. */
  readonly operator: StartedProcess;
  readonly metricsUrl: string;
  startOperator(flags?: readonly string[]): Promise<void>;
  /** One more process of the operator beside `operator`, with these flags in place of the world's, of another bundle if need be. */
  spawnOperator(
    flags: readonly string[],
    bundle?: string,
  ): {
    readonly process: StartedProcess;
    metricsUrl(): Promise<string>;
  };
  /** `SIGKILL` unless told, then a new process with the same flags. */
  restartOperator(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  account(name: string): Promise<AwsAccount>;
  connection(name?: string): Promise<AwsConnection>;
  binding(name: string): Promise<AwsEntitlementBinding>;
  run(name: string): Promise<AwsReconciliation>;
  /** Waits until a condition of the object is of this status, and reason where given, for its present generation. */
  until(
    kind: 'awsaccount' | 'awsconnection' | 'awsentitlementbinding' | 'awsreconciliation',
    name: string,
    wanted: {
      readonly type?: string;
      readonly status: string;
      readonly reason?: string;
      readonly withinMs?: number;
    },
  ): Promise<Condition>;
  metrics(): Promise<string>;
  /** An object of this world's namespace, with the connection `aws`. */
  accountManifest(name: string, spec: object, metadata?: object): object;
  /** An object of this world's namespace. */
  bindingManifest(name: string, spec: object, metadata?: object): object;
  /** An object of this world's namespace, with the connection `aws`. */
  runManifest(name: string, spec?: object, metadata?: object): object;
  stop(): Promise<void>;
}

/** Gives an IAM user the policies of docs/aws-policy, nothing else, and an access key. */
export async function makeCommunicationUser(iam: IAMClient, userName: string): Promise<Credentials> {
  await iam.send(new CreateUserCommand({ UserName: userName }));
  const folder = join(root, 'docs/aws-policy');
  for (const file of (await readdir(folder)).filter((name) => name !== 'all.json')) {
    const { Policy } = await iam.send(
      new CreatePolicyCommand({
        PolicyName: `IDHub-${userName}-${file.replace('.json', '')}`,
        PolicyDocument: await readFile(join(folder, file), 'utf8'),
      }),
    );
    await iam.send(new AttachUserPolicyCommand({ UserName: userName, PolicyArn: Policy?.Arn }));
  }
  return newKey(iam, userName);
}

export async function newKey(iam: IAMClient, userName: string): Promise<Credentials> {
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: userName }));
  return { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
}

export function iamClient(url: string, credentials: Credentials): IAMClient {
  return new IAMClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 });
}

export function secretManifest(namespace: string, name: string, credentials: Credentials): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    stringData: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey },
  };
}

export function connectionManifest(namespace: string, name: string, url: string, spec: object = {}): object {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsConnection',
    metadata: { namespace, name },
    spec: {
      credentials: { secretRef: { name: `${name}-credentials` } },
      endpoints: { iam: url, sts: url, cloudtrail: url },
      ...spec,
    },
  };
}

/** What a process of the simulator has said of itself, with an administrator's client of its first account. */
export async function simulatedAws(simulator: StartedProcess): Promise<{
  readonly url: string;
  readonly accounts: readonly SimulatedAccount[];
  readonly iam: IAMClient;
}> {
  const { accounts, port } = JSON.parse(await simulator.line((line) => line.startsWith('{'))) as {
    readonly port: number;
    readonly accounts: readonly SimulatedAccount[];
  };
  const [account] = accounts;
  if (account === undefined) {
    throw new Error('the simulator has no account');
  }
  const url = `http://127.0.0.1:${port}`;
  return { url, accounts, iam: iamClient(url, account) };
}

/** Starts what a test needs and waits until the connection is Ready. The bundle must be built. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const started = new Set<StartedProcess>();
  const startSimulator = (): StartedProcess => {
    const process_ = startProcess(process.execPath, [
      join(root, 'test/simulator/cli.ts'),
      '--port=0',
      '--enforce-policies',
      ...(options.simulator ?? []),
    ]);
    started.add(process_);
    return process_;
  };
  const simulatorProcess = options.aws?.simulatorProcess ?? startSimulator();
  try {
    return await makeWorld(options, simulatorProcess, started);
  } catch (error) {
    await Promise.all([...started].map((each) => each.stop()));
    throw error;
  }
}

async function makeWorld(
  options: WorldOptions,
  simulatorProcess: StartedProcess,
  processes: Set<StartedProcess>,
): Promise<World> {
  const { plane, namespace } = options;
  const { url: simulatorUrl, accounts, iam } = await simulatedAws(simulatorProcess);
  const credentials = options.aws?.credentials ?? (await makeCommunicationUser(iam, communicationUser));

  const kubectl = plane.must;
  for (const name of [systemNamespace, namespace]) {
    // On the server, since suites that start together make the same namespace: kubectl's own apply looks
    // first and creates then, and one of two fails.
    await kubectl(
      ['apply', '--server-side', '--field-manager=idhub-aws-connector-test', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    );
  }
  const rbac = await readFile(join(import.meta.dirname, 'operator-rbac.yaml'), 'utf8');
  const { kubeconfigPath } = await plane.serviceAccount(systemNamespace, 'operator', rbac);

  let operator: StartedProcess | undefined;
  let metricsUrl = '';
  let flags: readonly string[] = options.operator ?? [];
  const spawnOperator: World['spawnOperator'] = (given, bundle = join(root, 'dist/operator.mjs')) => {
    const process_ = startProcess(process.execPath, [
      ...operatorNodeFlags,
      ...(options.node ?? []),
      bundle,
      `--kubeconfig=${kubeconfigPath}`,
      `--namespace=${systemNamespace}`,
      `--watch-namespaces=${namespace}`,
      `--installation-id=${namespace}`,
      '--no-leader-elect',
      '--metrics-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      '--allow-endpoint-override',
      ...given,
    ]);
    processes.add(process_);
    return {
      process: process_,
      metricsUrl: async () => {
        const line = await process_.line((each) => each.includes('serving metrics'));
        return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
      },
    };
  };
  const startOperator = async (given: readonly string[] = flags): Promise<void> => {
    flags = given;
    const spawned = spawnOperator(given);
    operator = spawned.process;
    metricsUrl = await spawned.metricsUrl();
  };
  const running = (): StartedProcess => {
    if (operator === undefined) {
      throw new Error('the operator was not started');
    }
    return operator;
  };
  const get = async <T>(kind: string, name: string): Promise<T> =>
    JSON.parse(await kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])) as T;

  const world: World = {
    plane,
    namespace,
    simulator: new SimulatorControl(simulatorUrl),
    simulatorUrl,
    simulatorProcess,
    accounts,
    iam,
    credentials,
    get operator() {
      return running();
    },
    get metricsUrl() {
      return metricsUrl;
    },
    startOperator,
    spawnOperator,
    restartOperator: async (signal = 'SIGKILL') => {
      running().kill(signal);
      await running().exited;
      await startOperator();
    },
    kubectl,
    apply: async (...objects) => {
      await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    },
    account: (name) => get<AwsAccount>('awsaccount', name),
    connection: (name = 'aws') => get<AwsConnection>('awsconnection', name),
    binding: (name) => get<AwsEntitlementBinding>('awsentitlementbinding', name),
    run: (name) => get<AwsReconciliation>('awsreconciliation', name),
    until: async (kind, name, { type = 'Ready', status, reason, withinMs = 30_000 }) => {
      let last: unknown;
      try {
        return await eventually(
          async () => {
            const object = await get<AwsAccount | AwsConnection | AwsEntitlementBinding | AwsReconciliation>(
              kind,
              name,
            );
            const condition = object.status?.conditions?.find((each) => each.type === type);
            last = object.status?.conditions;
            return condition?.status === status &&
              (reason === undefined || condition.reason === reason) &&
              condition.observedGeneration === object.metadata.generation
              ? condition
              : undefined;
          },
          { withinMs, everyMs: 100, what: `${kind} ${name} ${type}=${status} ${reason ?? ''}` },
        );
      } catch (error) {
        throw new Error(
          `${(error as Error).message}; last seen ${JSON.stringify(last)}\n${operator?.lines.slice(-25).join('\n') ?? ''}`,
          { cause: error },
        );
      }
    },
    metrics: async () => (await fetch(`${metricsUrl}/metrics`)).text(),
    accountManifest: (name, spec, metadata = {}) => ({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { namespace, name, ...metadata },
      spec: { connectionRef: { name: 'aws' }, ...spec },
    }),
    bindingManifest: (name, spec, metadata = {}) => ({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: { namespace, name, ...metadata },
      spec,
    }),
    runManifest: (name, spec = {}, metadata = {}) => ({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { namespace, name, ...metadata },
      spec: { connectionRef: { name: 'aws' }, ...spec },
    }),
    stop: async () => {
      iam.destroy();
      await Promise.all([...processes].map((each) => each.stop()));
    },
  };
  if (options.start !== false) {
    await startOperator();
    await world.apply(
      secretManifest(namespace, 'aws-credentials', credentials),
      connectionManifest(namespace, 'aws', simulatorUrl),
    );
    await world.until('awsconnection', 'aws', { status: 'True' });
  }
  return world;
}
