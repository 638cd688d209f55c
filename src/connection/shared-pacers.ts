import type { Pacer } from '../aws/index.ts';
import type { Clock } from '../ports.ts';
import { AdaptivePacer } from './pacer.ts';

export interface SharedPacersOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Makes the pacer of one name. */
  readonly make: () => Pacer;
}

interface Shared {
  readonly pacer: Pacer;
  /** Calls that wait or are under way. */
  calls: number;
  usedAt: number;
}

/** Calls to CloudTrail's event history a second, for one account and region (LookupEvents, API reference). */
const trailRate = 2;

/** The pacers of CloudTrail: `<account id>/<region>` is the name under which calls go. */
export function trailPacers(clock: Clock): SharedPacers {
  return new SharedPacers({
    clock,
    make: () => new AdaptivePacer({ clock, startRate: trailRate, maxRate: trailRate, maxInFlight: 2 }),
  });
}

/** What a pacer has learnt is of no use any more after so long without a call. */
const idleMs = 60_000;

/**
 * Pacers for what AWS limits by something that several connections have in common, such as an account
 * and a region: whoever goes by the same name has the same pacer.
 */
export class SharedPacers {
  readonly #options: SharedPacersOptions;
  readonly #shared = new Map<string, Shared>();

  constructor(options: SharedPacersOptions) {
    this.#options = options;
  }

  /** A pacer that asks at each call under which name it goes. */
  under(name: () => string): Pacer {
    return {
      acquire: async (priority, signal) => {
        const shared = this.#obtain(name());
        shared.calls += 1;
        const end = (): void => {
          shared.calls -= 1;
          shared.usedAt = this.#options.clock.now();
        };
        try {
          const release = await shared.pacer.acquire(priority, signal);
          let released = false;
          return (outcome) => {
            release(outcome);
            if (!released) {
              released = true;
              end();
            }
          };
        } catch (error) {
          end();
          throw error;
        }
      },
    };
  }

  #obtain(name: string): Shared {
    const now = this.#options.clock.now();
    let found = this.#shared.get(name);
    if (found === undefined) {
      for (const [other, { calls, usedAt }] of this.#shared) {
        if (calls === 0 && now - usedAt > idleMs) {
          this.#shared.delete(other);
        }
      }
      found = { pacer: this.#options.make(), calls: 0, usedAt: now };
      this.#shared.set(name, found);
    }
    return found;
  }
}
