/**
 * The main job, from nothing: a control plane, a simulated AWS, the operator, and examples/ applied.
 * Stays until Ctrl-C; with --exit it checks itself, prints a summary and ends with 0 or 1.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CreateUserCommand, paginateListUsers, TagUserCommand, type IAMClient } from '@aws-sdk/client-iam';
import { parseAllDocuments } from 'yaml';
import type { AwsAccount } from '../operator/api/v1alpha1/index.ts';
import { startControlPlane, type ControlPlane } from '../test/cluster/index.ts';
import { startWorld, type World } from '../test/e2e/world.ts';
import { eventually } from '../test/support/process.ts';

const root = join(import.meta.dirname, '..');
const namespace = 'idhub-demo';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  spec?: Record<string, unknown>;
  stringData?: Record<string, string>;
}

interface Check {
  readonly what: string;
  readonly ok: boolean;
}

const { values: flags } = parseArgs({ options: { exit: { type: 'boolean' }, help: { type: 'boolean' } } });
if (flags.help === true) {
  console.log(
    [
      'npm run demo              show the main job, stay until Ctrl-C',
      'npm run demo -- --exit    show it, check it, print a summary, end with 0 or 1',
    ].join('\n'),
  );
  process.exit(0);
}

const began = Date.now();
const checks: Check[] = [];
let plane: ControlPlane | undefined;
let world: World | undefined;
let interrupted = false;
let wake: () => void = () => undefined;
const stopped = new Promise<void>((resolve) => {
  wake = resolve;
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    wake();
  });
}

function say(text: string): void {
  console.log(`\n[${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s] ${text}`);
}

function goOn(): void {
  if (interrupted) {
    throw new Error('interrupted');
  }
}

/** A step that must come true; a demo that does not show what it says has failed. */
async function check(what: string, probe: () => Promise<boolean>): Promise<void> {
  goOn();
  const ok = await eventually(async () => ((await probe()) ? true : undefined), {
    withinMs: 30_000,
    everyMs: 100,
  }).catch(() => false);
  checks.push({ what, ok });
  console.log(`  ${ok ? 'ok    ' : 'FAILED'}  ${what}`);
}

async function manifests(): Promise<Manifest[]> {
  const files = (await readdir(join(root, 'examples'))).filter((name) => name.endsWith('.yaml')).sort();
  const found: Manifest[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(root, 'examples', file), 'utf8'))) {
      const manifest = document.toJS() as Manifest | null;
      if (manifest !== null) {
        found.push(manifest);
      }
    }
  }
  return found;
}

/** The examples as they stand, but for the credentials and the address of the simulated AWS. */
function forSimulator(manifest: Manifest, target: World): Manifest {
  if (manifest.kind === 'Secret') {
    return { ...manifest, stringData: { ...target.credentials } };
  }
  if (manifest.kind === 'AwsConnection') {
    const address = target.simulatorUrl;
    return { ...manifest, spec: { ...manifest.spec, endpoints: { iam: address, sts: address } } };
  }
  return manifest;
}

async function table(target: World): Promise<void> {
  console.log(await target.kubectl(['get', 'awsconnections,awsaccounts', '-n', namespace]));
}

async function usersInIam(iam: IAMClient, simulator: World['simulator']): Promise<void> {
  const rows: string[][] = [['USER', 'ID', 'OWNER', 'DENIED']];
  for await (const page of paginateListUsers({ client: iam }, {})) {
    for (const { UserName: name = '' } of page.Users ?? []) {
      const user = await simulator.user(name);
      const owner = user?.tags['aws.idhub.io/owner'] ?? '-';
      rows.push([
        name,
        user?.userId ?? '',
        owner,
        user?.inlinePolicies['IDHubDisabled'] === undefined ? 'no' : 'yes',
      ]);
    }
  }
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log(
    rows.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')).join('\n'),
  );
}

async function show(): Promise<void> {
  const ignored = Object.keys(process.env).filter((name) =>
    /^AWS_|_CA_BUNDLE$|^NODE_EXTRA_CA_CERTS$|_proxy$/i.test(name),
  );
  if (ignored.length > 0) {
    console.log(`ignored of your environment: ${ignored.sort().join(', ')}`);
  }
  say('starting a control plane (the first time it is built from Go modules: about ten minutes)');
  plane = await startControlPlane();
  goOn();
  await plane.installCrds();
  say(`kube-apiserver, etcd and kube-controller-manager are up; starting a simulated AWS and the operator`);
  world = await startWorld({
    plane,
    namespace,
    start: false,
    operator: ['--snapshot-interval=3s', '--installation-id=demo'],
  });
  const target = world;
  const examples = await manifests();
  const accounts = examples.filter((each) => each.kind === 'AwsAccount') as unknown as AwsAccount[];
  const before = accounts.filter(
    ({ spec }) => spec.management === 'Observe' || (spec.adoptionPolicy ?? 'Never') !== 'Never',
  );
  for (const { spec } of before) {
    await target.iam.send(new CreateUserCommand({ UserName: spec.userName }));
  }
  console.log(`  in AWS before: ${before.map(({ spec }) => spec.userName).join(', ')}`);
  await target.simulator.resetCalls();
  await target.startOperator();

  say('kubectl apply -f examples/');
  await target.apply(...examples.map((each) => forSimulator(each, target)));
  const connection = examples.find((each) => each.kind === 'AwsConnection')?.metadata.name ?? '';
  await check('the connection is Ready', async () => {
    const { status } = await target.connection(connection);
    return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  });
  for (const { metadata, spec } of accounts) {
    const state = spec.enabled === false ? 'Disabled' : 'Enabled';
    await check(
      `AwsAccount ${metadata.name} is Ready, and IAM user ${spec.userName} is ${state}`,
      async () => {
        const { status } = await target.account(metadata.name);
        const user = await target.simulator.user(spec.userName);
        const denied = user?.inlinePolicies['IDHubDisabled'] !== undefined;
        const ready =
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
        return ready && user !== undefined && denied === (spec.enabled === false) && status?.state === state;
      },
    );
  }
  console.log('');
  await table(target);
  console.log('IAM users in the simulated account:');
  await usersInIam(target.iam, target.simulator);
  await story(target, accounts);

  say('what it cost: calls to AWS since the operator started, the few of this demo among them');
  const { byOperation } = await target.simulator.calls();
  console.log(
    `  ${Object.entries(byOperation)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
}

/** A leaver, a mover and somebody's hand in AWS, on the first account that is managed and enabled. */
async function story(target: World, accounts: readonly AwsAccount[]): Promise<void> {
  const joiner = accounts.find(
    ({ spec }) =>
      spec.enabled !== false && spec.management !== 'Observe' && (spec.adoptionPolicy ?? 'Never') === 'Never',
  );
  if (joiner === undefined) {
    throw new Error('examples/ has no plain account');
  }
  const { name } = joiner.metadata;
  const { userName } = joiner.spec;
  const renamed = `${userName.slice(0, 50)}-renamed`;
  const patch = async (spec: object): Promise<void> => {
    await target.kubectl([
      'patch',
      'awsaccount',
      name,
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec }),
    ]);
  };
  const { userId } = (await target.simulator.user(userName)) ?? {};

  say(`somebody changes tags of ${userName} in AWS: what is declared is put back, what is not ours stays`);
  const { tags = {} } = (await target.simulator.user(userName)) ?? {};
  const declared = Object.keys(tags).find((key) => !key.startsWith('aws.idhub.io/'));
  await target.iam.send(
    new TagUserCommand({
      UserName: userName,
      Tags: [
        { Key: 'their-own', Value: 'stays' },
        ...(declared === undefined ? [] : [{ Key: declared, Value: 'changed by hand' }]),
      ],
    }),
  );
  // Within half a minute of a write of ours a reading may still show what was before it, and is not
  // believed; this asks for a live look now.
  const now = `aws.idhub.io/reconcile-at=${new Date().toISOString()}`;
  await target.kubectl(['annotate', 'awsaccount', name, '-n', namespace, '--overwrite', now]);
  await check('drift is mended, the foreign tag stays', async () => {
    const user = await target.simulator.user(userName);
    return (
      user?.tags['their-own'] === 'stays' &&
      (declared === undefined || user.tags[declared] === tags[declared])
    );
  });

  say(`a mover: spec.userName becomes ${renamed}`);
  await patch({ userName: renamed });
  await check('the user has the new name and is the same user', async () => {
    const user = await target.simulator.user(renamed);
    return (
      user !== undefined && user.userId === userId && (await target.simulator.user(userName)) === undefined
    );
  });

  say('a leaver: spec.enabled becomes false');
  await patch({ enabled: false });
  await check('everything is denied, and the status says Disabled', async () => {
    const user = await target.simulator.user(renamed);
    const { status } = await target.account(name);
    return user?.inlinePolicies['IDHubDisabled'] !== undefined && status?.state === 'Disabled';
  });
  await patch({ enabled: true });
  await check('and back: the Deny is gone', async () => {
    const user = await target.simulator.user(renamed);
    return user !== undefined && user.inlinePolicies['IDHubDisabled'] === undefined;
  });

  say('kubectl delete: deletionPolicy Retain lets go of the user, Delete deletes it');
  await target.kubectl(['delete', 'awsaccount', name, '-n', namespace, '--timeout=30s']);
  await check('retained: the user is there and is nobody’s', async () => {
    const user = await target.simulator.user(renamed);
    return joiner.spec.deletionPolicy === 'Delete'
      ? user === undefined
      : user !== undefined && user.tags['aws.idhub.io/owner'] === undefined;
  });
  const doomed = accounts.find(({ spec }) => spec.deletionPolicy === 'Delete');
  if (doomed !== undefined && doomed !== joiner) {
    await target.kubectl(['delete', 'awsaccount', doomed.metadata.name, '-n', namespace, '--timeout=30s']);
    await check(
      'deleted: the user is gone',
      async () => (await target.simulator.user(doomed.spec.userName)) === undefined,
    );
  }
}

function invite(target: World, at: ControlPlane): void {
  say('it stays up until Ctrl-C. Try next, in another terminal:');
  console.log(
    [
      `  export KUBECONFIG=${at.kubeconfigPath}`,
      `  alias kubectl=${at.kubectlPath}`,
      `  kubectl get idhub -n ${namespace}`,
      `  kubectl explain awsaccount.spec`,
      `  kubectl apply --dry-run=server -f examples/invalid/   # what is refused, and how`,
      `  curl -s ${target.metricsUrl}/metrics | grep idhub_`,
      `  curl -s ${target.simulatorUrl}/_simulator/calls`,
    ].join('\n'),
  );
}

let failure: unknown;
try {
  await show();
  if (flags.exit !== true && plane !== undefined && world !== undefined) {
    invite(world, plane);
    await stopped;
  }
} catch (error) {
  failure = error;
  if (!interrupted) {
    console.error(`\nthe demo failed: ${(error as Error).message}`);
    console.error(world?.simulatorProcess.lines.slice(-5).join('\n') ?? '');
  }
} finally {
  say('cleaning up');
  await world?.stop().catch(() => undefined);
  await plane?.stop();
}
const failed = checks.filter(({ ok }) => !ok).length;
console.log(`\n${checks.length - failed} of ${checks.length} checks are as they should be.`);
process.exit(failed > 0 || (failure !== undefined && !interrupted) ? 1 : 0);
