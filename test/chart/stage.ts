import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IAMClient } from '@aws-sdk/client-iam';
import { clusterMode, startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { communicationUser, iamClient, makeCommunicationUser, type Credentials } from '../e2e/world.ts';
import { Podman } from '../image/podman.ts';
import { SimulatorControl, type SimulatedAccount } from '../simulator/index.ts';
import { eventually, startProcess } from '../support/process.ts';
import { ensureHelm, Helm } from './helm.ts';
import { imagesOf, makeImages, type Images } from './images.ts';

const chartFolder = join(import.meta.dirname, '../../charts/idhub-aws-connector');
export const releaseName = 'idhub-aws-connector';
export const system = 'idhub-system';
export const people = 'people';
/** A caller of the HTTP port, as HTTP Basic has it. */
export const caller = { user: 'idhub', password: 'correct-horse' };

/** A cluster with nodes, Helm, and the simulator in a pod; the operator is installed by the test. */
export interface Stage {
  readonly plane: ControlPlane;
  readonly helm: Helm;
  readonly simulator: SimulatorControl;
  /** Where pods reach it. */
  readonly simulatorUrl: string;
  /** An administrator's client of the account. */
  readonly iam: IAMClient;
  readonly credentials: Credentials;
  /** The values of a release with the images of this stage. */
  readonly values: string;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  /** A merge patch. @param which such as `pod/one` */
  patch(which: string, namespace: string, patch: object, ...further: readonly string[]): Promise<void>;
  /** A copy of the chart, changed. @returns its folder */
  changedChart(version: string, change?: (crds: string) => void): string;
  /**
   * Where this process reaches a port of a Service: at the Service itself where the node is this machine's, through
   * `kubectl port-forward`, to one of its pods, where it is not.
   */
  reach(service: string, port: number, namespace?: string): Promise<Address>;
  stop(): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export async function startStage(): Promise<Stage> {
  const mode = clusterMode(process.env);
  const images = imagesOf(mode, process.env);
  const home = mkdtempSync(join(tmpdir(), 'idhub-helm-'));
  const podman = new Podman();
  const ends: (() => Promise<void>)[] = [
    async () => rmSync(home, { recursive: true, force: true }),
    () => podman.remove(),
  ];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) {
      await end();
    }
  };
  try {
    // First: where this machine cannot, it says so before anything is built.
    const plane = await startControlPlane({ node: true });
    ends.push(() => plane.stop());
    const helmPath = await ensureHelm();
    if (images.made) {
      for (const archive of await makeImages(podman)) {
        await plane.loadImage(archive);
      }
    }
    const helm = new Helm(helmPath, { home, kubeconfig: plane.kubeconfigPath });
    const stage = await furnish({ plane, helm, home, images, ends });
    if (mode === 'existing') {
      ends.push(() => leave(stage));
    }
    return { ...stage, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of somebody's cluster: the release, and objects whose finalizers nobody would take away. Definitions stay. */
async function leave({ plane, helm }: Omit<Stage, 'stop'>): Promise<void> {
  await helm.run(['uninstall', releaseName, `--namespace=${system}`, '--wait', '--timeout=2m']);
  // Where the namespace was deleted, and the release with it.
  const clusterWide = ['delete', 'clusterrole,clusterrolebinding', `${system}:${releaseName}`];
  await plane.kubectl([...clusterWide, '--ignore-not-found']);
  const { stdout } = await plane.kubectl([
    'get',
    'awsaccounts,awsentitlementbindings,awsconnections,awsreconciliations,secrets',
    `--namespace=${people}`,
    '--output=name',
    '--ignore-not-found',
  ]);
  for (const each of stdout.split('\n').filter((line) => line !== '')) {
    await plane.kubectl([
      'patch',
      each,
      '-n',
      people,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
  }
}

async function furnish({
  plane,
  helm,
  home,
  images,
  ends,
}: {
  readonly plane: ControlPlane;
  readonly helm: Helm;
  readonly home: string;
  readonly images: Images;
  readonly ends: (() => Promise<void>)[];
}): Promise<Omit<Stage, 'stop'>> {
  const kubectl = plane.must;
  const apply: Stage['apply'] = async (...items) => {
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  };
  const address = async (service: string, namespace: string): Promise<string> =>
    (await kubectl(['get', 'service', service, '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}'])).trim();
  const reach: Stage['reach'] = async (service, port, namespace = system) => {
    if (plane.mode === 'local') {
      return { host: await address(service, namespace), port };
    }
    const forward = startProcess(plane.kubectlPath, [
      `--kubeconfig=${plane.kubeconfigPath}`,
      'port-forward',
      `--namespace=${namespace}`,
      `service/${service}`,
      `:${port}`,
    ]);
    ends.push(async () => void (await forward.stop()));
    const said = await forward.line((line) => line.startsWith('Forwarding from 127.0.0.1:'));
    return { host: '127.0.0.1', port: Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]) };
  };

  for (const name of [system, people, 'simulator']) {
    await plane.createNamespace(name);
  }
  const labels = { app: 'simulator' };
  const meta = { name: 'simulator', namespace: 'simulator', labels };
  await apply(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta,
      spec: {
        containers: [{ name: 'simulator', image: images.simulator, imagePullPolicy: images.pullPolicy }],
        terminationGracePeriodSeconds: 2,
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta,
      spec: { selector: labels, ports: [{ port: 4566 }] },
    },
  );
  const logs = await eventually(
    async () => {
      const { code, stdout } = await plane.kubectl(['logs', 'simulator', '-n', 'simulator']);
      return code === 0 && stdout.includes('\n') ? stdout : undefined;
    },
    { withinMs: 120_000, everyMs: 500, what: 'the simulator in its pod' },
  );
  const [account] = (JSON.parse(logs.split('\n')[0] ?? '') as { accounts: SimulatedAccount[] }).accounts;
  if (account === undefined) {
    throw new Error('the simulator has no account');
  }
  const simulatorUrl = `http://${await address('simulator', 'simulator')}:4566`;
  const reached = await reach('simulator', 4566, 'simulator');
  const ownUrl = `http://${reached.host}:${reached.port}`;
  const iam = iamClient(ownUrl, account);
  const values = join(home, 'values.yaml');
  writeFileSync(
    values,
    JSON.stringify({
      image: { ...images.operator, pullPolicy: images.pullPolicy },
      allowEndpointOverride: true,
      snapshotInterval: '5s',
      http: { authSecret: 'callers', defaultConnection: `${people}/aws` },
    }),
  );
  return {
    plane,
    helm,
    simulator: new SimulatorControl(ownUrl),
    simulatorUrl,
    iam,
    credentials: await makeCommunicationUser(iam, communicationUser),
    values,
    kubectl,
    apply,
    reach,
    patch: async (which, namespace, patch, ...further) => {
      const what = ['patch', which, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)];
      await kubectl([...what, ...further]);
    },
    changedChart: (version, change = () => undefined) => {
      const folder = join(home, `chart-${version}`);
      mkdirSync(folder, { recursive: true });
      cpSync(chartFolder, folder, { recursive: true });
      const file = join(folder, 'Chart.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^version: .*$/m, `version: ${version}`));
      change(join(folder, 'files/crds'));
      return folder;
    },
  };
}
