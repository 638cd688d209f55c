import { setTimeout } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { eventually, startProcess } from '../support/process.ts';
import { callsIn, changesAws, type Call } from './calls.ts';
import { people, releaseName, system, type Stage } from './stage.ts';

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly state?: { readonly terminated?: Ended };
      readonly lastState?: { readonly terminated?: Ended };
    }[];
  };
}

/** How a container ended. */
interface Ended {
  readonly exitCode: number;
  readonly reason: string;
}

interface Conditioned {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration: number;
    }[];
  };
}

function isReadyNow({ metadata, status }: Conditioned): boolean {
  const found = status?.conditions?.find(({ type }) => type === 'Ready');
  return found?.status === 'True' && found.observedGeneration === metadata.generation;
}

/** Who held the Lease; empty for nobody. */
export interface Hold {
  readonly pod: string;
  /** When it was seen, by `performance.now()`. */
  readonly at: number;
}

export const account = (name: string, spec: object = {}): object => ({
  apiVersion: 'aws.idhub.io/v1alpha1',
  kind: 'AwsAccount',
  metadata: { namespace: people, name },
  spec: { connectionRef: { name: 'aws' }, userName: name, ...spec },
});

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: word }) => type === 'Ready' && word === 'True') === true;
}

export function restartsOf({ status }: Pod): number {
  return status.containerStatuses?.[0]?.restartCount ?? 0;
}

/** The release that a test installed, as kubectl and the simulator show it. */
export class Release {
  readonly #stage: Stage;
  readonly namespace: string;

  constructor(stage: Stage, namespace: string = system) {
    this.#stage = stage;
    this.namespace = namespace;
  }

  install(verb: 'install' | 'upgrade', folder: string, ...further: readonly string[]): Promise<string> {
    const { helm, values } = this.#stage;
    return helm.must([
      verb,
      releaseName,
      folder,
      `--namespace=${this.namespace}`,
      `--values=${values}`,
      '--wait',
      '--timeout=5m',
      ...further,
    ]);
  }

  /** Those of the release; without those that are on their way out unless asked for. */
  async pods(options: { readonly all?: boolean } = {}): Promise<readonly Pod[]> {
    const selector = `--selector=app.kubernetes.io/instance=${releaseName}`;
    const text = await this.#stage.kubectl(['get', 'pods', '-n', this.namespace, selector, '-o', 'json']);
    return (JSON.parse(text) as { items: Pod[] }).items.filter(
      ({ metadata }) => options.all === true || metadata.deletionTimestamp === undefined,
    );
  }

  async pod(name: string): Promise<Pod> {
    return JSON.parse(
      await this.#stage.kubectl(['get', 'pod', name, '-n', this.namespace, '-o', 'json']),
    ) as Pod;
  }

  async twoReady(withinMs = 120_000): Promise<readonly Pod[]> {
    return eventually(
      async () => {
        const all = await this.pods({ all: true });
        return all.length === 2 && all.every((each) => isReady(each)) ? all : undefined;
      },
      { withinMs, everyMs: 250, what: 'two ready pods' },
    );
  }

  /** The pod that leads, as its identity on the Lease begins with its name; empty where none does. */
  async leader(): Promise<string> {
    const path = 'jsonpath={.spec.holderIdentity}';
    return podOf(
      await this.#stage.kubectl([
        'get',
        'lease',
        releaseName,
        '-n',
        this.namespace,
        '--ignore-not-found',
        '-o',
        path,
      ]),
    );
  }

  /** Waits until another pod than `before` leads. @returns how long that took, in milliseconds */
  async handedOver(before: string, withinMs: number): Promise<number> {
    const started = performance.now();
    await eventually(
      async () => {
        const now = await this.leader();
        return now !== before && now !== '' ? true : undefined;
      },
      { withinMs, everyMs: 50, what: `another leader than ${before}` },
    );
    return performance.now() - started;
  }

  /** Does something, while clients come to the Service, each with a connection of its own. @returns why some got no answer at all */
  async unanswered(happens: () => Promise<void>): Promise<readonly string[]> {
    const { host, port } = await this.#stage.reach(releaseName, 7002);
    const lost: string[] = [];
    const over = new AbortController();
    let answers = 0;
    const clients = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        try {
          const signal = AbortSignal.timeout(10_000);
          await (await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' }, signal })).text();
          answers += 1;
          await setTimeout(10);
        } catch (error) {
          lost.push(String((error as Error).cause ?? error));
        }
      }
    });
    try {
      await happens();
    } finally {
      over.abort();
      await Promise.all(clients);
    }
    expect(answers).toBeGreaterThan(50);
    return lost;
  }

  /** Does something, and tells who held the Lease meanwhile, as the API server has told it to a watch. */
  async holders(happens: () => Promise<void>): Promise<readonly Hold[]> {
    const { plane } = this.#stage;
    const holds: Hold[] = [];
    const watch = startProcess(plane.kubectlPath, [
      `--kubeconfig=${plane.kubeconfigPath}`,
      'get',
      'lease',
      releaseName,
      `--namespace=${this.namespace}`,
      '--watch',
      '--output=jsonpath={.spec.holderIdentity}{"\\n"}',
    ]);
    // Sees each line as it comes; none is the last one.
    const ended = watch
      .line((line) => {
        holds.push({ pod: podOf(line), at: performance.now() });
        return false;
      })
      .catch(() => undefined);
    try {
      await eventually(() => (holds.length > 0 ? true : undefined), { what: 'a watch of the Lease' });
      await happens();
    } finally {
      await watch.stop();
      await ended;
    }
    return holds;
  }

  /** Ready of an object, for its present generation. */
  async ready(kind: string, name: string, withinMs = 60_000, namespace: string = people): Promise<void> {
    let last = '';
    await eventually(
      async () => {
        last = await this.#stage.kubectl(['get', kind, name, '-n', namespace, '-o', 'json']);
        const { metadata, status } = JSON.parse(last) as {
          metadata: { generation: number };
          status?: { conditions?: { type: string; status: string; observedGeneration: number }[] };
        };
        const found = status?.conditions?.find(({ type }) => type === 'Ready');
        return found?.status === 'True' && found.observedGeneration === metadata.generation
          ? true
          : undefined;
      },
      { withinMs, everyMs: 250, what: `${kind} ${name} to be Ready` },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${last}`, { cause: error });
    });
  }

  /** Ready of these accounts, or of all there are, for their present generations. */
  async allReady(names?: readonly string[], withinMs = 120_000): Promise<void> {
    let waiting: readonly string[] = [];
    await eventually(
      async () => {
        const text = await this.#stage.kubectl(['get', 'awsaccounts', '-n', people, '-o', 'json']);
        const ready = new Map(
          (JSON.parse(text) as { items: Conditioned[] }).items.map((each) => [
            each.metadata.name,
            isReadyNow(each),
          ]),
        );
        waiting = (names ?? [...ready.keys()]).filter((name) => ready.get(name) !== true);
        return waiting.length === 0 ? true : undefined;
      },
      { withinMs, everyMs: 500, what: 'accounts to be Ready' },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${waiting.join(', ')}`, { cause: error });
    });
  }

  /** Each of these users was made, and made once. */
  async madeOnce(names: readonly string[], operation = 'CreateUser'): Promise<void> {
    const wanted = new Set(names);
    const made = (await this.#stage.simulator.writes())
      .filter((each) => each.operation === operation && each.code === 'OK' && wanted.has(each.user ?? ''))
      .map(({ user }) => user);
    expect(made).toHaveLength(names.length);
    expect(new Set(made)).toEqual(wanted);
  }

  /** Applies accounts while something happens, at least ten, and looks that each was made, once. */
  async underLoad(prefix: string, happens: () => Promise<void>, spec: object = {}): Promise<void> {
    const names: string[] = [];
    const over = new AbortController();
    const load = (async () => {
      for (let n = 0; !over.signal.aborted || n < 10; n += 1) {
        const name = `${prefix}${n}`;
        names.push(name);
        // The API server may be away for a moment: whoever applies tries again.
        await eventually(() => this.#stage.apply(account(name, spec)).then(() => true as const), {
          withinMs: 60_000,
          everyMs: 500,
          what: `${name} to be applied`,
        });
      }
    })();
    try {
      await happens();
    } finally {
      over.abort();
      await load;
    }
    await this.allReady(names);
    await this.madeOnce(names);
  }

  /** What pods have changed in AWS, from the simulator's log. */
  async changes(since = 0): Promise<readonly Call[]> {
    const log = await this.#stage.kubectl(['logs', 'simulator', '-n', 'simulator']);
    return callsIn(log).filter((call) => call.at >= since && changesAws(call));
  }
}

function podOf(identity: string): string {
  return identity.trim().replace(/_\d+$/, '');
}

/**
 * How long nobody was seen to lead, for each time that another pod took over: from the last word of the one before (a
 * renewal, every two seconds, or that it gave the Lease back) to the first of the next.
 */
export function gaps(holds: readonly Hold[]): readonly number[] {
  const found: number[] = [];
  let last: Hold | undefined;
  let word = 0;
  for (const hold of holds) {
    if (hold.pod !== '') {
      if (last !== undefined && last.pod !== hold.pod) {
        found.push(hold.at - word);
      }
      last = hold;
    }
    word = hold.at;
  }
  return found;
}
