import type { Operation } from './model.ts';

/** So long after it was taken a promised operation may still be begun, ms. */
const beginMs = 3_600_000;
/** One that lets somebody in: others may have shut them out since. */
const letInMs = 300_000;
/** So often something is taken away again that others give back. */
const mostTries = 3;

/** Whether it gives access to somebody who may have been shut out since it was asked for. */
export function letsIn({ kind }: Operation): boolean {
  return kind === 'enable' || kind === 'addEntitlement';
}

/** How long after it was taken it may still be begun, ms. */
export function mayBeginMs(operation: Operation): number {
  return letsIn(operation) ? letInMs : beginMs;
}

/** How often it is written in all where others overrule it. */
export function mostOf({ kind }: Operation): number {
  return kind === 'disable' || kind === 'delete' || kind === 'removeEntitlement' ? mostTries : 1;
}

/** Who was shut out last by which operation: an earlier one that comes after it does not let them in again. */
export class ShutOut {
  /** By user, in the order of shutting out. */
  readonly #orders = new Map<string, number>();

  /** @param order of the operation, thousandths of milliseconds since the epoch */
  note(user: string, order: number): void {
    for (const [other, before] of this.#orders) {
      if (order - before <= beginMs * 1_000) {
        break;
      }
      this.#orders.delete(other);
    }
    const last = Math.max(order, this.#orders.get(user) ?? 0);
    this.#orders.delete(user);
    this.#orders.set(user, last);
  }

  isSince(user: string, order: number): boolean {
    return (this.#orders.get(user) ?? 0) > order;
  }
}
