import { CreateUserCommand, DeleteUserCommand, TagUserCommand } from '@aws-sdk/client-iam';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import type { World } from '../../test/e2e/world.ts';
import type { Stage } from './stage.ts';

const visitors = ['visitor-1', 'visitor-2', 'visitor-3', 'visitor-4'];

export interface ReconciliationStoryOptions {
  readonly stage: Stage;
  readonly world: World;
  /** Name of the AwsConnection. */
  readonly connection: string;
}

/** What happens in AWS behind the product's back is reported, and a mass disappearance is stopped. */
export class ReconciliationStory {
  readonly #options: ReconciliationStoryOptions;

  constructor(options: ReconciliationStoryOptions) {
    this.#options = options;
  }

  async play(): Promise<void> {
    await this.#isReported();
    await this.#isStopped();
  }

  async #isReported(): Promise<void> {
    const { stage, world } = this.#options;
    const [first = ''] = visitors;
    stage.say('an AwsReconciliation: who is in AWS, also those whom nobody declared');
    await this.#each(visitors, (UserName) => world.iam.send(new CreateUserCommand({ UserName })));
    await this.#run('first');
    // Not of how many: a run of examples/ may have reported the others before.
    await stage.check('the first run reports each of them as created', async () => {
      const run = await this.#read('first');
      const told = changesOf(run);
      return isComplete(run) && visitors.every((name) => told.includes(`Created ${name}`));
    });
    stage.say(`somebody tags ${first}, makes a user and deletes another, in AWS; the next run tells`);
    await world.iam.send(
      new TagUserCommand({ UserName: first, Tags: [{ Key: 'department', Value: 'Sales' }] }),
    );
    await world.iam.send(new CreateUserCommand({ UserName: 'visitor-5' }));
    await world.iam.send(new DeleteUserCommand({ UserName: 'visitor-4' }));
    await this.#run('second');
    await stage.check('exactly these three changes are reported', async () => {
      const run = await this.#read('second');
      return (
        isComplete(run) &&
        JSON.stringify(changesOf(run).toSorted()) ===
          JSON.stringify([`Changed ${first}`, 'Created visitor-5', 'Deleted visitor-4'])
      );
    });
    console.log(await this.#kubectl('get', 'awsrecon', '-o', 'wide'));
  }

  async #isStopped(): Promise<void> {
    const { stage, world, connection } = this.#options;
    const gone = ['visitor-1', 'visitor-2', 'visitor-3'];
    stage.say(
      `${gone.length} users vanish at once: more than the guard lets through for an account of this size`,
    );
    await this.#each(gone, (UserName) => world.iam.send(new DeleteUserCommand({ UserName })));
    await this.#run('third');
    await stage.check('the run is stopped: nothing is reported as deleted, and lists stop', async () => {
      const { status } = await this.#read('third');
      const breaker = (await world.connection(connection)).status?.conditions?.find(
        ({ type }) => type === 'WithinDeletionLimit',
      );
      return (
        status?.guard?.deletions === gone.length &&
        status.conditions?.some(
          ({ type, reason }) => type === 'Failed' && reason === 'DeletionThresholdExceeded',
        ) === true &&
        breaker?.status === 'False'
      );
    });
    const token = (await this.#read('third')).status?.guard?.token ?? '';
    stage.say(`somebody looks, and lets exactly these go: aws.idhub.io/approve-deletions=${token}`);
    await this.#kubectl('annotate', 'awsrecon', 'third', `aws.idhub.io/approve-deletions=${token}`);
    await stage.check(`the run is complete and reports ${gone.length} deleted users`, async () => {
      const run = await this.#read('third');
      return isComplete(run) && run.status?.counts?.deleted === gone.length;
    });
    await stage.cost();
  }

  async #run(name: string): Promise<void> {
    const { world, connection } = this.#options;
    await world.apply({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { namespace: world.namespace, name },
      spec: { connectionRef: { name: connection } },
    });
  }

  async #read(name: string): Promise<AwsReconciliation> {
    return JSON.parse(await this.#kubectl('get', 'awsrecon', name, '-o', 'json')) as AwsReconciliation;
  }

  async #each(names: readonly string[], act: (name: string) => Promise<unknown>): Promise<void> {
    await Promise.all(names.map(act));
  }

  #kubectl(...args: readonly string[]): Promise<string> {
    const { world } = this.#options;
    return world.kubectl([...args, '-n', world.namespace]);
  }
}

/** The first hundred that a run has found, in words. */
function changesOf({ status }: AwsReconciliation): readonly string[] {
  return (status?.changes ?? []).map(({ change, name }) => `${change} ${name}`);
}

function isComplete({ status }: AwsReconciliation): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True') === true;
}
