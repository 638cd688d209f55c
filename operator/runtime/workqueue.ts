import type { Clock } from './clock.ts';
import type { EnqueueOptions } from './contracts.ts';
import { Heap, type HeapItem } from './heap.ts';

/** Of first listings and polls: a user's change, at 0, goes before them. */
export const lowPriority = -100;
/** Of what cannot wait: it goes before other changes. */
export const highPriority = 100;

/** Told of what a queue does; times in seconds. */
export interface QueueObserver {
  added(): void;
  retried(): void;
  depth(priority: number, change: 1 | -1): void;
  waited(seconds: number): void;
  worked(seconds: number): void;
}

interface Entry extends HeapItem {
  readonly key: string;
  priority: number;
  /** Order among equals. */
  turn: number;
  /** Monotonic ms; of a waiting entry when it gets ready, of a ready one since when it is. */
  at: number;
  state: 'waiting' | 'ready';
}

/**
 * A de-duplicating queue with client-go's promises: a key is handed to one worker at a time; adds
 * before it is handed out are one; adds while it is processed run once afterwards. With
 * priorities and delays as controller-runtime's priority queue has them: the higher first, first in
 * first out among equals; of several adds the earliest time and the highest priority count.
 */
export class WorkQueue {
  readonly #clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly #observer: QueueObserver | undefined;
  /** What was asked for and not handed out yet; the key may be processing all the same. */
  readonly #entries = new Map<string, Entry>();
  /** Entries whose key is processing stand in no heap until it is done. */
  readonly #ready = new Heap<Entry>((a, b) =>
    a.priority === b.priority ? a.turn < b.turn : a.priority > b.priority,
  );
  readonly #waiting = new Heap<Entry>((a, b) => (a.at === b.at ? a.turn < b.turn : a.at < b.at));
  readonly #processing = new Map<string, number>();
  readonly #takers: ((item: { key: string; priority: number } | undefined) => void)[] = [];
  #turns = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;
  #down = false;

  constructor(options: { clock: Pick<Clock, 'monotonic' | 'setTimeout'>; observer?: QueueObserver }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Keys ready to be processed, those that wait for their own run included. */
  get length(): number {
    return this.#entries.size - this.#waiting.size;
  }

  /** Monotonic start times of what is being processed. */
  get running(): Iterable<number> {
    return this.#processing.values();
  }

  add(key: string, options: EnqueueOptions = {}): void {
    if (this.#down) {
      return;
    }
    const now = this.#clock.monotonic();
    const afterMs = options.afterMs ?? 0;
    const priority = options.priority ?? 0;
    if (afterMs > 0) {
      this.#observer?.retried();
    }
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const fresh: Entry = {
        key,
        priority,
        turn: this.#turns++,
        at: now + afterMs,
        state: 'waiting',
        heapIndex: -1,
      };
      this.#entries.set(key, fresh);
      if (afterMs > 0) {
        this.#waiting.push(fresh);
      } else {
        this.#makeReady(fresh, now);
      }
    } else if (entry.state === 'waiting') {
      this.#waiting.remove(entry);
      if (priority > entry.priority) {
        entry.priority = priority;
        entry.turn = this.#turns++;
      }
      entry.at = Math.min(entry.at, now + afterMs);
      if (afterMs > 0) {
        this.#waiting.push(entry);
      } else {
        this.#makeReady(entry, now);
      }
    } else if (priority > entry.priority) {
      this.#raise(entry, priority);
    }
    this.#handOut();
    this.#arm();
  }

  /** The next key, at once or when there is one; undefined once the queue is shut down. */
  get(): Promise<{ key: string; priority: number } | undefined> {
    return new Promise((resolve) => {
      if (this.#down) {
        resolve(undefined);
        return;
      }
      this.#takers.push(resolve);
      this.#handOut();
    });
  }

  /** Ends the processing of a key that `get` gave. */
  done(key: string): void {
    const since = this.#processing.get(key);
    if (since === undefined) {
      return;
    }
    this.#processing.delete(key);
    this.#observer?.worked((this.#clock.monotonic() - since) / 1000);
    const entry = this.#entries.get(key);
    if (entry?.state === 'ready') {
      this.#ready.push(entry);
    }
    this.#handOut();
  }

  /** Nothing is taken in or handed out any more. */
  shutDown(): void {
    this.#down = true;
    this.#cancelTimer?.();
    for (const entry of this.#entries.values()) {
      if (entry.state === 'ready') {
        this.#observer?.depth(entry.priority, -1);
      }
    }
    this.#entries.clear();
    for (const take of this.#takers.splice(0)) {
      take(undefined);
    }
  }

  #makeReady(entry: Entry, now: number): void {
    entry.state = 'ready';
    entry.at = now;
    entry.turn = this.#turns++;
    this.#observer?.added();
    this.#observer?.depth(entry.priority, 1);
    if (!this.#processing.has(entry.key)) {
      this.#ready.push(entry);
    }
  }

  #raise(entry: Entry, priority: number): void {
    const queued = entry.heapIndex !== -1;
    if (queued) {
      this.#ready.remove(entry);
    }
    this.#observer?.depth(entry.priority, -1);
    this.#observer?.depth(priority, 1);
    entry.priority = priority;
    entry.turn = this.#turns++;
    if (queued) {
      this.#ready.push(entry);
    }
  }

  #handOut(): void {
    while (this.#takers.length > 0 && this.#ready.size > 0) {
      const take = this.#takers.shift();
      const entry = this.#ready.pop();
      if (take === undefined || entry === undefined) {
        return;
      }
      const now = this.#clock.monotonic();
      this.#entries.delete(entry.key);
      this.#processing.set(entry.key, now);
      this.#observer?.depth(entry.priority, -1);
      this.#observer?.waited((now - entry.at) / 1000);
      take({ key: entry.key, priority: entry.priority });
    }
  }

  /** One timer, for the earliest of the waiting. */
  #arm(): void {
    const next = this.#waiting.peek()?.at ?? Infinity;
    if (next === this.#timerAt) {
      return;
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = next;
    if (next !== Infinity) {
      this.#cancelTimer = this.#clock.setTimeout(() => {
        this.#timerAt = Infinity;
        this.#release();
      }, next - this.#clock.monotonic());
    }
  }

  #release(): void {
    const now = this.#clock.monotonic();
    for (let due = this.#waiting.peek(); due !== undefined && due.at <= now;) {
      this.#waiting.remove(due);
      this.#makeReady(due, now);
      due = this.#waiting.peek();
    }
    this.#handOut();
    this.#arm();
  }
}
