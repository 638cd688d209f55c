import type { Clock } from '../../../operator/runtime/index.ts';

/** Time stands still until the test says otherwise, and nobody waits. */
export class StillClock implements Clock {
  ms: number;

  constructor(ms = Date.UTC(2026, 0, 15)) {
    this.ms = ms;
  }

  now(): number {
    return this.ms;
  }

  monotonic(): number {
    return this.ms;
  }

  setTimeout(): () => void {
    throw new Error('a reconcile asks to be called again, it does not wait');
  }

  sleep(): Promise<void> {
    throw new Error('a reconcile asks to be called again, it does not wait');
  }
}
