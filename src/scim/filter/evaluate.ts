import type { Filter, FilterAttribute, Lookup, Operand, Operator, Path, Simple, Value } from './model.ts';

/** `unknown`: what could not be read might decide. */
export type Match = 'yes' | 'no' | 'unknown';

/**
 * Whether something fits a filter. Of an attribute with several values one has to fit; `ne` is the contrary of
 * `eq`, so that what has no such attribute fits it. What is unknown stays unknown, also under `not`. Pure.
 */
export function matches(filter: Filter, lookup: Lookup): Match {
  switch (filter.kind) {
    case 'and':
      return every(filter.filters, lookup);
    case 'or':
      return some(filter.filters, lookup);
    case 'not':
      return contrary(matches(filter.filter, lookup));
    case 'present':
      return presence(filter.path, lookup);
    case 'compare':
      return comparison(filter, lookup);
    case 'some': {
      const values = lookup(filter.attribute.name);
      if (values === 'unknown') {
        return 'unknown';
      }
      return anyOf(values.map((value) => matches(filter.filter, within(value))));
    }
  }
}

function every(filters: readonly Filter[], lookup: Lookup): Match {
  let result: Match = 'yes';
  for (const filter of filters) {
    const match = matches(filter, lookup);
    if (match === 'no') {
      return 'no';
    }
    result = match === 'unknown' ? 'unknown' : result;
  }
  return result;
}

function some(filters: readonly Filter[], lookup: Lookup): Match {
  return anyOf(filters.map((filter) => matches(filter, lookup)));
}

function anyOf(found: readonly Match[]): Match {
  return found.includes('yes') ? 'yes' : found.includes('unknown') ? 'unknown' : 'no';
}

function contrary(match: Match): Match {
  return match === 'unknown' ? 'unknown' : match === 'yes' ? 'no' : 'yes';
}

function is(fitting: boolean): Match {
  return fitting ? 'yes' : 'no';
}

/** A text without a character is no value (RFC 7644, 3.4.2.2, `pr`). */
function presence({ attribute, part }: Path, lookup: Lookup): Match {
  const values = lookup(attribute.name);
  if (values === 'unknown') {
    return 'unknown';
  }
  const told = values.map((value) => (part === undefined ? value : partOf(value, part)));
  return is(told.some((value) => value !== undefined && value !== ''));
}

function comparison(
  { path, operator, operand }: Extract<Filter, { kind: 'compare' }>,
  lookup: Lookup,
): Match {
  const { attribute, part } = path;
  const values = lookup(attribute.name);
  if (values === 'unknown') {
    return 'unknown';
  }
  if (operator === 'ne') {
    return contrary(comparison({ kind: 'compare', path, operator: 'eq', operand }, lookup));
  }
  const simple = values.flatMap((value) => (part === undefined ? plain(value) : partOf(value, part)) ?? []);
  if (operand === null) {
    return is(simple.length === 0);
  }
  const exact = (part ?? attribute).caseExact === true;
  return is(simple.some((value) => fits(value, operator, operand, exact)));
}

/** The parts of one value of a complex attribute. */
function within(value: Value): Lookup {
  return (name) => {
    const found = typeof value === 'object' && Object.hasOwn(value, name) ? value[name] : undefined;
    return found === undefined ? [] : [found];
  };
}

function partOf(value: Value, { name }: FilterAttribute): Simple | undefined {
  return typeof value === 'object' && Object.hasOwn(value, name) ? value[name] : undefined;
}

function plain(value: Value): Simple | undefined {
  return typeof value === 'object' ? undefined : value;
}

function fits(value: Simple, operator: Operator, operand: NonNullable<Operand>, exact: boolean): boolean {
  if (typeof value !== 'string' || typeof operand !== 'string') {
    return ordered(value, operator, operand);
  }
  const [one, other] = exact ? [value, operand] : [value.toLowerCase(), operand.toLowerCase()];
  switch (operator) {
    case 'co':
      return one.includes(other);
    case 'sw':
      return one.startsWith(other);
    case 'ew':
      return one.endsWith(other);
    case 'eq':
    case 'ne':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return ordered(one, operator, other);
  }
}

function ordered(one: Simple, operator: Operator, other: NonNullable<Operand>): boolean {
  switch (operator) {
    case 'eq':
      return one === other;
    case 'ne':
      return one !== other;
    case 'gt':
      return one > other;
    case 'ge':
      return one >= other;
    case 'lt':
      return one < other;
    case 'le':
      return one <= other;
    case 'co':
    case 'sw':
    case 'ew':
      return false;
  }
}
