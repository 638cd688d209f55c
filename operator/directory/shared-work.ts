import { unlessAborted } from '../../src/unless-aborted.ts';

interface Running<T> {
  readonly aborter: AbortController;
  readonly done: Promise<T>;
  waiting: number;
}

/** Work that is done once for all who ask for it at the same time. It goes on until everybody has left. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /**
   * Joins the work of this name, or begins it.
   * @throws what the work throws, and the reason of the signal
   */
  async join(name: string, begin: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const running = this.#running.get(name) ?? this.#begin(name, begin);
    running.waiting += 1;
    try {
      return await unlessAborted(running.done, signal);
    } finally {
      running.waiting -= 1;
      if (running.waiting === 0) {
        // Where it has ended already, nothing comes of that.
        running.aborter.abort(signal.reason);
        this.#forget(name, running);
      }
    }
  }

  #begin(name: string, begin: (signal: AbortSignal) => Promise<T>): Running<T> {
    const aborter = new AbortController();
    const running: Running<T> = { aborter, done: begin(aborter.signal), waiting: 0 };
    this.#running.set(name, running);
    const end = (): void => this.#forget(name, running);
    // Nobody may be left who waits for it.
    running.done.then(end, end);
    return running;
  }

  #forget(name: string, running: Running<T>): void {
    if (this.#running.get(name) === running) {
      this.#running.delete(name);
    }
  }
}
