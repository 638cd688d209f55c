import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IAMClient } from '@aws-sdk/client-iam';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { communicationUser, iamClient, makeCommunicationUser, type Credentials } from '../e2e/world.ts';
import { Podman } from '../image/podman.ts';
import { SimulatorControl, type SimulatedAccount } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { ensureHelm, Helm } from './helm.ts';
import { makeImages, operatorRepository, operatorTag, simulatorImage } from './images.ts';

const chartFolder = join(import.meta.dirname, '../../charts/idhub-aws-connector');
export const release = 'idhub-aws-connector';
export const system = 'idhub-system';
export const people = 'people';
/** A caller of the HTTP port, as HTTP Basic has it. */
export const caller = { user: 'idhub', password: 'correct-horse' };

/** A control plane with a node, Helm, and the simulator in a pod; the operator is installed by the test. */
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
  /** A copy of the chart, changed. @returns its folder */
  changedChart(version: string, change?: (crds: string) => void): string;
  /** The address of a Service in the cluster. */
  address(service: string, namespace?: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
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
    const helmPath = await ensureHelm({ environment: process.env, log: (line) => console.error(line) });
    const plane = await startControlPlane({ node: true });
    ends.push(() => plane.stop());
    for (const archive of await makeImages(podman)) {
      await plane.loadImage(archive);
    }
    return {
      ...(await furnish(plane, new Helm(helmPath, { home, kubeconfig: plane.kubeconfigPath }), home)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function furnish(plane: ControlPlane, helm: Helm, home: string): Promise<Omit<Stage, 'stop'>> {
  const kubectl: Stage['kubectl'] = async (args, stdin) => {
    const answer = await plane.kubectl(args, stdin === undefined ? {} : { stdin });
    if (answer.code !== 0) {
      throw new Error(`kubectl ${args.join(' ')}: ${answer.stderr.trim()}`);
    }
    return answer.stdout;
  };
  const apply: Stage['apply'] = async (...items) => {
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  };
  const address: Stage['address'] = async (service, namespace = system) =>
    (await kubectl(['get', 'service', service, '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}'])).trim();

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
        containers: [{ name: 'simulator', image: simulatorImage, imagePullPolicy: 'Never' }],
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
  const iam = iamClient(simulatorUrl, account);
  const values = join(home, 'values.yaml');
  writeFileSync(
    values,
    JSON.stringify({
      image: { repository: operatorRepository, tag: operatorTag, pullPolicy: 'Never' },
      allowEndpointOverride: true,
      snapshotInterval: '5s',
      http: { authSecret: 'callers', defaultConnection: `${people}/aws` },
    }),
  );
  return {
    plane,
    helm,
    simulator: new SimulatorControl(simulatorUrl),
    simulatorUrl,
    iam,
    credentials: await makeCommunicationUser(iam, communicationUser),
    values,
    kubectl,
    apply,
    address,
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
