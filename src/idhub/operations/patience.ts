import type { Operation } from './model.ts';

/** So long after it was taken a promised operation may still be begun, ms. */
const beginMs = 3_600_000;
/** One that lets somebody in: others may have shut them out since. */
const letInMs = 300_000;
/** So often something is taken away again that others give back. */
const mostTries = 3;
/** So often others may stand in the way of the rest. */
const mostHindered = 10;

/** Whether it gives access to somebody who may have been shut out since it was asked for. */
export function letsIn({ kind }: Operation): boolean {
  return kind === 'enable' || kind === 'addEntitlement';
}

/** How long after it was taken it may still be begun, ms. */
export function mayBeginMs(operation: Operation): number {
  return letsIn(operation) ? letInMs : beginMs;
}

/** Whether it takes access away: that is insisted on. */
export function shutsOut({ kind }: Operation): boolean {
  return kind === 'disable' || kind === 'delete' || kind === 'removeEntitlement';
}

/**
 * Whether a promised operation is given up because of others.
 * @param hindered how often they stood in its way
 * @param overruled how often of these after it was accepted
 */
export function isGivenUp(
  operation: Operation,
  { hindered, overruled }: { readonly hindered: number; readonly overruled: number },
): boolean {
  return shutsOut(operation)
    ? overruled >= mostTries
    : overruled > 0 || hindered >= (letsIn(operation) ? 1 : mostHindered);
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
