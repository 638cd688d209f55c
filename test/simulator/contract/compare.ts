import type { Outcome } from './types.ts';

/** A place where a reference's outcome is not the simulator's; absent values are undefined. */
export interface Difference {
  /**
   * `outcome` when not both succeeded: the values are `succeeds` or the error's code and HTTP status.
   * Else the dotted path in the result, `result.User.Tags`; items of lists of the same length by index.
   */
  readonly at: string;
  readonly reference: unknown;
  readonly simulator: unknown;
}

/** The smallest parts in which two outcomes differ; lists of different lengths differ as a whole. */
export function compareOutcomes(reference: Outcome, simulator: Outcome): Difference[] {
  return 'result' in reference && 'result' in simulator
    ? differences(reference.result, simulator.result, 'result')
    : differences(summary(reference), summary(simulator), 'outcome');
}

function summary(outcome: Outcome): string {
  return 'error' in outcome ? `${outcome.error.code} ${outcome.error.status}` : 'succeeds';
}

function differences(reference: unknown, simulator: unknown, at: string): Difference[] {
  if (isRecord(reference) && isRecord(simulator)) {
    const keys = new Set([...Object.keys(reference), ...Object.keys(simulator)]);
    return [...keys].toSorted().flatMap((key) => differences(reference[key], simulator[key], `${at}.${key}`));
  }
  if (Array.isArray(reference) && Array.isArray(simulator) && reference.length === simulator.length) {
    return reference.flatMap((item, index) => differences(item, simulator[index], `${at}.${index}`));
  }
  return JSON.stringify(reference) === JSON.stringify(simulator) ? [] : [{ at, reference, simulator }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
