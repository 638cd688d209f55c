import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ministackScenarios, motoScenarios } from './cases.ts';
import { compareOutcomes } from './compare.ts';
import { ministackLeniencies, motoLeniencies, type Leniency } from './leniencies/index.ts';
import { runScenarios } from './run.ts';
import { ministackTarget, motoTarget, simulatorTarget } from './targets.ts';
import type { Outcome, Scenario, Target } from './types.ts';

/** The first run makes the reference's Python environment. */
const setUpMs = 600_000;

const references: readonly {
  readonly name: string;
  readonly start: () => Promise<Target>;
  readonly scenarios: readonly Scenario[];
  readonly leniencies: readonly Leniency[];
}[] = [
  { name: 'moto', start: motoTarget, scenarios: motoScenarios, leniencies: motoLeniencies },
  {
    name: 'ministack',
    start: ministackTarget,
    scenarios: ministackScenarios,
    leniencies: ministackLeniencies,
  },
];

describe.each(references)('the simulator and $name', ({ start, scenarios, leniencies }) => {
  const targets: Target[] = [];
  const outcomes: ReadonlyMap<string, Outcome>[] = [];

  beforeAll(async () => {
    for (const starting of [start, simulatorTarget]) {
      const target = await starting();
      targets.push(target);
      outcomes.push(await runScenarios(target, scenarios));
    }
  }, setUpMs);

  afterAll(async () => {
    await Promise.all(targets.map((target) => target.stop()));
  });

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'agree on: %s',
    (_, scenario) => {
      const [theirs, ours] = outcomes;
      const found = scenario.steps.flatMap((step) =>
        compareOutcomes(outcomeOf(theirs, step.name), outcomeOf(ours, step.name)).map(
          ({ at, reference, simulator }) => ({ step: step.name, at, reference, aws: simulator }),
        ),
      );
      const names = new Set(scenario.steps.map((step) => step.name));
      const listed = leniencies
        .filter((leniency) => names.has(leniency.step))
        .map(({ step, at, reference, aws }) => ({ step, at, reference, aws }));
      expect(sorted(found)).toEqual(sorted(listed));
    },
  );

  test('every listed leniency names a step and the page that settles it', () => {
    const steps = new Set(scenarios.flatMap((scenario) => scenario.steps.map((step) => step.name)));
    for (const leniency of leniencies) {
      expect(steps).toContain(leniency.step);
      expect(leniency.source).toMatch(/^https:\/\/(?:docs\.aws\.amazon\.com|github\.com)\//u);
    }
  });
});

function outcomeOf(outcomes: ReadonlyMap<string, Outcome> | undefined, step: string): Outcome {
  const outcome = outcomes?.get(step);
  if (outcome === undefined) {
    throw new Error(`${step} was not run`);
  }
  return outcome;
}

function sorted<T extends { readonly step: string; readonly at: string }>(items: readonly T[]): T[] {
  const key = (item: T): string => `${item.step} ${item.at}`;
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}
