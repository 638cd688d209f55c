import { createRandom, type Random } from './state/index.ts';
import type { FaultSpec, FaultState } from './types.ts';

interface Armed {
  readonly id: number;
  readonly spec: FaultSpec;
  readonly random: Random;
  hits: number;
  passed: number;
}

/** A call as faults see it. */
export interface FaultTarget {
  readonly operation: string;
  readonly kind: 'read' | 'write';
  readonly user: string | undefined;
  readonly accessKeyId: string;
}

/** What happens to one call: delays add up, the first error or drop wins. */
export interface Effect {
  readonly latencyMs: number;
  readonly error?: NonNullable<FaultSpec['error']>;
  readonly drop?: NonNullable<FaultSpec['drop']>;
}

/** The faults that were ordered, in order. */
export class Faults {
  readonly #armed: Armed[] = [];
  #nextId = 1;

  add(specs: readonly FaultSpec[]): void {
    for (const spec of specs) {
      this.#armed.push({
        id: this.#nextId,
        spec,
        random: createRandom(spec.seed ?? this.#nextId),
        hits: 0,
        passed: 0,
      });
      this.#nextId += 1;
    }
  }

  clear(): void {
    this.#armed.length = 0;
  }

  list(): readonly FaultState[] {
    return this.#armed.map(({ id, spec, hits }) => Object.assign({}, spec, { id, hits }));
  }

  /** Draws what happens to a call and counts it. */
  draw(target: FaultTarget): Effect {
    let latencyMs = 0;
    for (const fault of this.#armed) {
      if (!fits(fault.spec, target) || !strikes(fault)) {
        continue;
      }
      const { spec } = fault;
      latencyMs += spec.latencyMs ?? 0;
      if (spec.error !== undefined || spec.drop !== undefined) {
        return {
          latencyMs,
          ...(spec.error === undefined ? {} : { error: spec.error }),
          ...(spec.drop === undefined ? {} : { drop: spec.drop }),
        };
      }
    }
    return { latencyMs };
  }
}

function fits(spec: FaultSpec, target: FaultTarget): boolean {
  return (
    (spec.operation === undefined || spec.operation === target.operation) &&
    (spec.kind === undefined || spec.kind === target.kind) &&
    (spec.user === undefined || spec.user.toLowerCase() === target.user?.toLowerCase()) &&
    (spec.accessKeyId === undefined || spec.accessKeyId === target.accessKeyId)
  );
}

function strikes(fault: Armed): boolean {
  const { spec } = fault;
  const times = spec.times ?? 1;
  if (times >= 0 && fault.hits >= times) {
    return false;
  }
  if (fault.passed < (spec.after ?? 0)) {
    fault.passed += 1;
    return false;
  }
  if (spec.probability !== undefined && fault.random.next() >= spec.probability) {
    return false;
  }
  fault.hits += 1;
  return true;
}
