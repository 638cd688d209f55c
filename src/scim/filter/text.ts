import type { Filter, FilterAttribute, Operand, Path } from './model.ts';

/** A filter in one way of writing: two that mean the same by their words alone are written alike. Pure. */
export function canonical(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters
        .map((part) =>
          part.kind === 'or' && filter.kind === 'and' ? `(${canonical(part)})` : canonical(part),
        )
        .join(` ${filter.kind} `);
    case 'not':
      return `not (${canonical(filter.filter)})`;
    case 'present':
      return `${nameOf(filter.path)} pr`;
    case 'some':
      return `${filter.attribute.name}[${canonical(filter.filter)}]`;
    case 'compare':
      return `${nameOf(filter.path)} ${filter.operator} ${operandText(filter.path, filter.operand)}`;
  }
}

function nameOf({ attribute, part }: Path): string {
  return part === undefined ? attribute.name : `${attribute.name}.${part.name}`;
}

function operandText({ attribute, part }: Path, operand: Operand): string {
  const { type }: FilterAttribute = part ?? attribute;
  return type === 'dateTime' && typeof operand === 'number'
    ? JSON.stringify(new Date(operand).toISOString())
    : JSON.stringify(operand);
}

/**
 * The longest path under which everything is that fits: `/` or `/…/`, as IAM's `PathPrefix` takes it (IAM API
 * reference, ListUsers); undefined where it may be anywhere. Pure.
 * @param attribute the one that holds the path
 */
export function pathPrefix(filter: Filter, attribute: string): string | undefined {
  const prefix = prefixOf(filter, attribute);
  const cut = prefix?.slice(0, prefix.lastIndexOf('/') + 1);
  return cut !== undefined && /^\/[!-~]+\/$/.test(cut) && cut.length <= 512 ? cut : undefined;
}

function prefixOf(filter: Filter, attribute: string): string | undefined {
  switch (filter.kind) {
    case 'compare': {
      const { path, operator, operand } = filter;
      const says = path.attribute.name === attribute && (operator === 'sw' || operator === 'eq');
      return says && typeof operand === 'string' && operand.startsWith('/') ? operand : undefined;
    }
    case 'and': {
      const found = filter.filters.flatMap((part) => prefixOf(part, attribute) ?? []);
      return found.toSorted((one, other) => other.length - one.length)[0];
    }
    case 'or': {
      const found = filter.filters.map((part) => prefixOf(part, attribute));
      return found.reduce((one, other) =>
        one === undefined || other === undefined ? undefined : common(one, other),
      );
    }
    case 'not':
    case 'present':
    case 'some':
      return undefined;
  }
}

function common(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) {
    length += 1;
  }
  return one.slice(0, length);
}
