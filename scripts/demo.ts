/**
 * The main job, from nothing: a control plane, a simulated AWS, the operator, examples/ applied, a person who
 * joins, moves and leaves, and what happens in AWS behind the product's back.
 * With --idhub: what IDHub does with it, by a stand-in, in its place.
 * Stays until Ctrl-C; with --exit it checks itself, prints a summary and ends with 0 or 1.
 */
import { parseArgs } from 'node:util';
import { CreateGroupCommand, paginateListUsers, type IAMClient } from '@aws-sdk/client-iam';
import { startControlPlane, type ControlPlane } from '../test/cluster/index.ts';
import { startWorld, type World } from '../test/e2e/world.ts';
import {
  accountsOf,
  bindingsOf,
  exampleManifests,
  forSimulator,
  givenInAws,
} from '../test/examples/given.ts';
import { IdhubShow } from './demo/idhub.ts';
import { ReconciliationStory } from './demo/reconciliation.ts';
import { Ended, Stage } from './demo/stage.ts';
import { isReady, Story } from './demo/story.ts';

const namespace = 'idhub-demo';

const { values: flags } = parseArgs({
  options: { exit: { type: 'boolean' }, idhub: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (flags.help === true) {
  console.log(
    [
      'npm run demo              show the main job (about three minutes), stay until Ctrl-C',
      'npm run demo -- --idhub   show what IDHub does with it (about a minute), stay until Ctrl-C',
      'with --exit               show it, check it, print a summary, end with 0 or 1',
    ].join('\n'),
  );
  process.exit(0);
}

const stage = new Stage();
const idhub = flags.idhub === true ? new IdhubShow(stage) : undefined;
let plane: ControlPlane | undefined;
let world: World | undefined;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    stage.end('interrupted');
  });
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
  stage.say('starting a control plane (the first time it is built from Go modules: about ten minutes)');
  plane = await startControlPlane();
  stage.goOn();
  await plane.installCrds();
  if (idhub !== undefined) {
    await idhub.play(plane, namespace, (started) => {
      world = started;
    });
    return;
  }
  stage.say(
    `kube-apiserver, etcd and kube-controller-manager are up; starting a simulated AWS and the operator`,
  );
  world = await startWorld({
    plane,
    namespace,
    start: false,
    operator: ['--snapshot-interval=3s', '--installation-id=demo'],
  });
  const target = world;
  const examples = await exampleManifests();
  const given = await givenInAws(target.iam, examples);
  await target.iam.send(new CreateGroupCommand({ GroupName: 'Platform' }));
  console.log(`  in AWS before: ${[...given.users, ...given.groups].join(', ')}`);
  await target.simulator.resetCalls();
  await target.startOperator();
  stage.listen(target);

  // The joiner has a scene of its own.
  const joiner = accountsOf(examples).find(({ spec }) => spec.entitlements !== undefined);
  const accounts = accountsOf(examples).filter((account) => account !== joiner);
  const other = accounts.find(
    ({ spec }) =>
      spec.enabled !== false && spec.management !== 'Observe' && (spec.adoptionPolicy ?? 'Never') === 'Never',
  );
  if (joiner === undefined || other === undefined) {
    throw new Error('examples/ has no joiner with entitlements, or no plain account');
  }
  stage.say('kubectl apply -f examples/');
  const first = examples.filter(({ metadata }) => metadata.name !== joiner.metadata.name);
  await target.apply(...first.map((each) => forSimulator(each, target)));
  const connection = examples.find((each) => each.kind === 'AwsConnection')?.metadata.name ?? '';
  await stage.check('the connection is Ready', async () => {
    const { status } = await target.connection(connection);
    return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  });
  for (const { metadata, spec } of accounts) {
    const state = spec.enabled === false ? 'Disabled' : 'Enabled';
    await stage.check(
      `AwsAccount ${metadata.name} is Ready, and IAM user ${spec.userName} is ${state}`,
      async () => {
        const { status } = await target.account(metadata.name);
        const user = await target.simulator.user(spec.userName);
        const denied = user?.inlinePolicies['IDHubDisabled'] !== undefined;
        return (
          isReady(status) &&
          user !== undefined &&
          denied === (spec.enabled === false) &&
          status?.state === state
        );
      },
    );
  }
  for (const { metadata, spec } of bindingsOf(examples)) {
    const state = spec.state ?? 'Present';
    await stage.check(`AwsEntitlementBinding ${metadata.name} is Ready, and its edge ${state}`, async () => {
      const { status } = await target.binding(metadata.name);
      return isReady(status as never) && status?.state === state;
    });
  }
  await stage.cost();
  console.log('');
  console.log(
    await target.kubectl(['get', 'awsconnections,awsaccounts,awsentitlementbindings', '-n', namespace]),
  );
  console.log('IAM users in the simulated account:');
  await usersInIam(target.iam, target.simulator);
  await new Story({ stage, world: target, joiner, other }).play();
  await new ReconciliationStory({ stage, world: target, connection }).play();

  stage.say('what it cost: calls to AWS since the operator started, the few of this demo among them');
  const { byOperation } = await target.simulator.calls();
  console.log(
    `  ${Object.entries(byOperation)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
}

function invite(target: World, at: ControlPlane): void {
  stage.say('it stays up until Ctrl-C. Try next, in another terminal:');
  console.log(
    [
      `  export KUBECONFIG=${at.kubeconfigPath}`,
      `  alias kubectl=${at.kubectlPath}`,
      `  kubectl get idhub -n ${namespace}`,
      ...(idhub === undefined
        ? [`  kubectl get awsrecon third -n ${namespace} -o yaml   # what a run says of itself`]
        : []),
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
    await stage.ended;
    stage.goOn();
  }
} catch (error) {
  failure = error;
  if (!interrupted) {
    console.error(`\nthe demo failed: ${(error as Error).message}`);
    if (!(error instanceof Ended)) {
      console.error(world?.simulatorProcess.lines.slice(-5).join('\n') ?? '');
    }
  }
} finally {
  stage.close();
  stage.say('cleaning up');
  await idhub?.close().catch(() => undefined);
  await world?.stop().catch(() => undefined);
  await plane?.stop();
}
const { good, all } = stage.outcome;
console.log(`\n${good} of ${all} checks are as they should be.`);
process.exit(good < all || (failure !== undefined && !interrupted) ? 1 : 0);
