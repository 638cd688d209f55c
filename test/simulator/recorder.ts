import type { CallCounts, WriteRecord } from './types.ts';

const MAX_START_TIMES = 100_000;
const MAX_WRITES = 20_000;

/** Keys come from requests: maps, so that `__proto__` counts as any other. */
class Counter {
  readonly #counts = new Map<string, number>();

  add(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** Counts calls and keeps the last writes. */
export class Recorder {
  #total = 0;
  #reads = 0;
  #writes = 0;
  #throttled = 0;
  #inFlight = 0;
  #peak = 0;
  #byOperation = new Counter();
  #byAccessKey = new Counter();
  #errors = new Map<string, Counter>();
  #startTimes: number[] = [];
  #log: WriteRecord[] = [];
  #notImplemented = new Set<string>();

  started(at: number): void {
    this.#total += 1;
    this.#inFlight += 1;
    this.#peak = Math.max(this.#peak, this.#inFlight);
    this.#startTimes.push(at);
    if (this.#startTimes.length > MAX_START_TIMES * 2) {
      this.#startTimes = this.#startTimes.slice(-MAX_START_TIMES);
    }
  }

  ended(): void {
    this.#inFlight -= 1;
  }

  called(operation: string, accessKeyId: string, kind: 'read' | 'write'): void {
    this.#byOperation.add(operation);
    this.#byAccessKey.add(accessKeyId);
    if (kind === 'read') {
      this.#reads += 1;
    } else {
      this.#writes += 1;
    }
  }

  failed(operation: string, code: string): void {
    if (/Throttl|TooManyRequests/.test(code)) {
      this.#throttled += 1;
    }
    const counter = this.#errors.get(operation) ?? new Counter();
    counter.add(code);
    this.#errors.set(operation, counter);
  }

  missing(operation: string): void {
    this.#notImplemented.add(operation);
  }

  wrote(record: WriteRecord): void {
    this.#log.push(record);
    if (this.#log.length > MAX_WRITES * 2) {
      this.#log = this.#log.slice(-MAX_WRITES);
    }
  }

  counts(): CallCounts {
    return {
      total: this.#total,
      reads: this.#reads,
      writes: this.#writes,
      throttled: this.#throttled,
      inFlight: this.#inFlight,
      peakInFlight: this.#peak,
      byOperation: this.#byOperation.toJSON(),
      byAccessKey: this.#byAccessKey.toJSON(),
      errors: Object.fromEntries([...this.#errors].map(([operation, codes]) => [operation, codes.toJSON()])),
      startTimes: this.#startTimes.slice(-MAX_START_TIMES),
      notImplemented: [...this.#notImplemented],
    };
  }

  writes(): readonly WriteRecord[] {
    return this.#log.slice(-MAX_WRITES);
  }

  /** From zero again; calls in flight stay in flight. */
  reset(): void {
    this.#total = 0;
    this.#reads = 0;
    this.#writes = 0;
    this.#throttled = 0;
    this.#peak = this.#inFlight;
    this.#byOperation = new Counter();
    this.#byAccessKey = new Counter();
    this.#errors = new Map();
    this.#startTimes = [];
    this.#log = [];
    this.#notImplemented = new Set();
  }
}
