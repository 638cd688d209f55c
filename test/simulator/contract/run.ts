import { setTimeout as sleep } from 'node:timers/promises';
import { normalize } from './normalize.ts';
import type { Outcome, Output, Scenario, Step, Target } from './types.ts';

/** Runs scenarios on a target, in order, and gives each step's outcome by the step's name. */
export async function runScenarios(
  target: Target,
  scenarios: readonly Scenario[],
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const scenario of scenarios) {
    const variables = new Map(Object.entries(target.variables));
    for (const step of scenario.steps) {
      if (outcomes.has(step.name)) {
        throw new Error(`two steps are called ${step.name}`);
      }
      outcomes.set(step.name, await runStep(target, step, variables));
    }
  }
  return outcomes;
}

async function runStep(target: Target, step: Step, variables: Map<string, string>): Promise<Outcome> {
  const input = fill(step.input ?? {}, variables) as Readonly<Record<string, unknown>>;
  const deadline = Date.now() + (step.withinMs ?? 0);
  try {
    for (;;) {
      const output = await call(target, step, input);
      for (const [variable, path] of Object.entries(step.keep ?? {})) {
        const value = at(output, path);
        variables.set(variable, typeof value === 'string' ? value : 'nothing-kept');
      }
      const seen = step.view === undefined ? output : step.view(output);
      const empty = Array.isArray(seen) && seen.length === 0;
      if (!empty || Date.now() >= deadline) {
        return { result: normalize(seen, variables) };
      }
      await sleep(100);
    }
  } catch (error) {
    return { error: awsError(error) };
  }
}

async function call(target: Target, step: Step, input: Readonly<Record<string, unknown>>): Promise<Output> {
  if (step.pages === undefined) {
    return target.send(step.call, input);
  }
  const { list, size } = step.pages;
  const items: unknown[] = [];
  const sizes: number[] = [];
  let marker: unknown;
  do {
    const page = await target.send(step.call, {
      ...input,
      MaxItems: size,
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    const found = page[list];
    const ofPage: unknown[] = Array.isArray(found) ? found : [];
    items.push(...ofPage);
    sizes.push(ofPage.length);
    marker = page['IsTruncated'] === true ? page['Marker'] : undefined;
  } while (marker !== undefined && sizes.length < 100);
  return { items, pageSizes: sizes.join(' ') };
}

/** AWS's answers only: a target that cannot be reached fails the suite. */
function awsError(error: unknown): { code: string; status: number | undefined } {
  const known = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = known.$metadata?.httpStatusCode;
  if (known.name === undefined || status === undefined) {
    throw error;
  }
  return { code: known.name, status };
}

function fill(value: unknown, variables: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\{(\w+)\}/gu, (whole, name: string) => variables.get(name) ?? whole);
  }
  if (Array.isArray(value)) {
    return value.map((item) => fill(item, variables));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, variables)]));
  }
  return value;
}

function at(output: Output, path: string): unknown {
  let value: unknown = output;
  for (const part of path.split('.')) {
    value = (value as Record<string, unknown> | undefined)?.[part];
  }
  return value;
}
