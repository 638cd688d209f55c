import type { ControlPlane } from '../../test/cluster/index.ts';
import {
  connectionManifest,
  secretManifest,
  startWorld,
  systemNamespace,
  type World,
} from '../../test/e2e/world.ts';
import {
  fillAws,
  GitOps,
  IdhubStory,
  stageIdhub,
  undeclared,
  untilListed,
  type IdhubStage,
} from '../../test/idhub/index.ts';
import type { Stage } from './stage.ts';

const connection = 'aws';
const inGit = 'gita';

/** The demo with IDHub: a stand-in for it, for its Keycloak and for a GitOps controller, step by step. */
export class IdhubShow {
  readonly #stage: Stage;
  #gitops: GitOps | undefined;
  #idhub: IdhubStage | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** @param started is told of the world as soon as there is one */
  async play(plane: ControlPlane, namespace: string, started: (world: World) => void): Promise<void> {
    const stage = this.#stage;
    const idhub = await stageIdhub({ systemNamespace, namespace, connection, name: 'demo' });
    this.#idhub = idhub;
    const world = await startWorld({
      plane,
      namespace,
      start: false,
      operator: ['--snapshot-interval=1s', '--installation-id=demo', ...idhub.flags],
    });
    started(world);
    stage.say(`a simulated AWS, with ${undeclared} users, a group and a policy that nobody has declared`);
    await fillAws(world);
    stage.say(
      `a stand-in for IDHub and its Keycloak at ${idhub.server.url}; the operator signs in there, and IDHub signs in at the operator`,
    );
    await world.apply(...idhub.secrets);
    await world.startOperator();
    stage.listen(world);
    await world.apply(
      secretManifest(namespace, `${connection}-credentials`, world.credentials),
      connectionManifest(namespace, connection, world.simulatorUrl),
    );
    const { basic, bearer } = await idhub.clients(world.operator);
    await untilListed(basic);
    stage.say(
      `Git has one person, ${inGit}, enabled; a stand-in for a GitOps controller applies it every 5 seconds`,
    );
    this.#gitops = new GitOps(world, world.accountManifest(inGit, { userName: inGit, enabled: true }));
    this.#gitops.start();
    await stage.check(`${inGit} is in AWS`, async () => (await world.simulator.user(inGit)) !== undefined);
    await new IdhubStory({ world, basic, bearer, gitops: this.#gitops, inGit, teller: stage }).play();
    stage.say('what IDHub was asked for meanwhile');
    console.log([...new Set(idhub.server.requests)].map((line) => `  ${line}`).join('\n'));
    console.log(await world.kubectl(['get', 'awsaccounts,awsentitlementbindings', '-n', namespace]));
  }

  /** Ends what does not end with the world. */
  async close(): Promise<void> {
    await this.#gitops?.stop();
    await this.#idhub?.server.close();
  }
}
