import type { Needed } from './compare.ts';
import needed from './needed.json' with { type: 'json' };

export { DefinitionsCheck } from './check.ts';
export { createDefinitionsMetric } from './metric.ts';

/** What this version of the operator needs of its CustomResourceDefinitions; generated from crds/. */
export const neededDefinitions: Needed = needed;
