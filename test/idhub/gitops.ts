import type { World } from '../e2e/world.ts';

const everyMs = 5_000;

/** What a GitOps controller does: it applies what Git has again and again, whatever happened to it meanwhile. */
export class GitOps {
  readonly #world: World;
  readonly #objects: readonly object[];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** How often the whole was applied. */
  applied = 0;

  constructor(world: World, ...objects: readonly object[]) {
    this.#world = world;
    this.#objects = objects;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#world.apply(...this.#objects);
      this.applied += 1;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}
