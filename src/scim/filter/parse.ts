import {
  operators,
  type Filter,
  type FilterAttribute,
  type Operand,
  type Operator,
  type Path,
} from './model.ts';
import { short } from '../short.ts';
import { FilterError, tokenize, type Token } from './tokens.ts';

export interface FilterLanguage {
  readonly attributes: readonly FilterAttribute[];
  /** Schemas whose attributes may be named with the schema before: `urn:…:userName`. */
  readonly schemas: readonly string[];
  /** Most conditions of one filter; 500 unless told. */
  readonly maxConditions?: number;
}

export type ParsedFilter =
  | { readonly kind: 'filter'; readonly filter: Filter }
  | { readonly kind: 'refused'; readonly message: string };

const maxLength = 8_192;
const maxDepth = 40;
/** Of what somebody wrote, so much is told. */
const longest = 40;
const maxConditions = 500;

/**
 * Reads a filter (RFC 7644, 3.4.2.2). Names of attributes and operators are read without regard to case; what
 * is no attribute of the language is refused, with a sentence that says what there is.
 */
export function parseFilter(text: string, language: FilterLanguage): ParsedFilter {
  if (text.length > maxLength) {
    return {
      kind: 'refused',
      message: `the filter has ${text.length} characters; at most ${maxLength} are read`,
    };
  }
  try {
    return { kind: 'filter', filter: new Parser(tokenize(text), language).whole() };
  } catch (error) {
    if (error instanceof FilterError) {
      return { kind: 'refused', message: `the filter cannot be read: ${error.message}` };
    }
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #language: FilterLanguage;
  #next = 0;
  #depth = 0;
  #terms = 0;

  constructor(tokens: readonly Token[], language: FilterLanguage) {
    this.#tokens = tokens;
    this.#language = language;
  }

  whole(): Filter {
    const filter = this.#either(undefined);
    const rest = this.#peek();
    if (rest !== undefined) {
      throw new FilterError(`${place(rest)} is too much; join conditions with and, or`);
    }
    return filter;
  }

  /** @param inside the complex attribute in whose brackets this stands */
  #either(inside: FilterAttribute | undefined): Filter {
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw new FilterError(`it is nested more than ${maxDepth} deep`);
    }
    const filters = [this.#all(inside)];
    while (this.#take('or')) {
      filters.push(this.#all(inside));
    }
    this.#depth -= 1;
    return joined('or', filters);
  }

  #all(inside: FilterAttribute | undefined): Filter {
    const filters = [this.#one(inside)];
    while (this.#take('and')) {
      filters.push(this.#one(inside));
    }
    return joined('and', filters);
  }

  #one(inside: FilterAttribute | undefined): Filter {
    if (this.#take('not')) {
      return { kind: 'not', filter: this.#bracketed(inside) };
    }
    return this.#peek()?.kind === 'open' ? this.#bracketed(inside) : this.#term(inside);
  }

  #bracketed(inside: FilterAttribute | undefined): Filter {
    this.#expect('open', '(');
    const filter = this.#either(inside);
    this.#expect('close', ')');
    return filter;
  }

  #term(inside: FilterAttribute | undefined): Filter {
    this.#terms += 1;
    const most = this.#language.maxConditions ?? maxConditions;
    if (this.#terms > most) {
      throw new FilterError(`it has more than ${most} conditions`);
    }
    const name = this.#word('the name of an attribute');
    const path = this.#path(name, inside);
    return this.#peek()?.kind === 'begin' ? this.#some(name, path) : this.#condition(name, path);
  }

  /** What stands after the name of an attribute. */
  #condition(name: Token, path: Path): Filter {
    const word = this.#word(`pr or one of ${operators.join(', ')} after ${name.text}`);
    const operator = word.text.toLowerCase();
    if (operator === 'pr') {
      return { kind: 'present', path };
    }
    if (!isOperator(operator)) {
      throw new FilterError(`${place(word)} is no operator; write pr or one of ${operators.join(', ')}`);
    }
    return this.#compare(name, path, operator);
  }

  #some(name: Token, { attribute, part }: Path): Filter {
    if (attribute.type !== 'complex' || part !== undefined) {
      throw new FilterError(`${name.text} has no parts, so that nothing can stand in [ ] after it`);
    }
    this.#expect('begin', '[');
    const filter = this.#either(attribute);
    this.#expect('end', ']');
    const after = this.#peek();
    if (after?.kind === 'word' && after.text.startsWith('.')) {
      // `emails[type eq "work"].value eq "…"`, as Entra ID asks: the condition is one more in the brackets.
      this.#next += 1;
      const inner = { kind: after.kind, text: after.text.slice(1), at: after.at + 1 };
      const more = this.#condition(inner, this.#path(inner, attribute));
      return { kind: 'some', attribute, filter: joined('and', [filter, more]) };
    }
    return { kind: 'some', attribute, filter };
  }

  #compare(name: Token, path: Path, operator: Operator): Filter {
    const token = this.#peek();
    const word = token?.kind === 'word' ? token.text.toLowerCase() : undefined;
    const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
    const given =
      token?.kind === 'value'
        ? token.value
        : word !== undefined && Object.hasOwn(constants, word)
          ? constants[word]
          : undefined;
    if (token === undefined || given === undefined) {
      const found = token === undefined ? 'the end' : place(token);
      throw new FilterError(
        `${found} stands where a value is expected: a text in double quotes, a number, true, false or null`,
      );
    }
    this.#next += 1;
    const target = valueOf(path);
    return {
      kind: 'compare',
      path: target,
      operator,
      operand: operandOf(name.text, target, operator, given),
    };
  }

  #path({ text }: Token, inside: FilterAttribute | undefined): Path {
    const lower = text.toLowerCase();
    const schema = this.#language.schemas.find((urn) => lower.startsWith(`${urn.toLowerCase()}:`));
    const [first = '', second, ...more] = (schema === undefined ? text : text.slice(schema.length + 1)).split(
      '.',
    );
    const among = inside?.parts ?? this.#language.attributes;
    const attribute = named(first, among);
    if (attribute === undefined) {
      throw new FilterError(
        `there is no attribute "${short(text, longest)}"; there are ${among.map(({ name }) => name).join(', ')}`,
      );
    }
    if (second === undefined) {
      return { attribute, part: undefined };
    }
    const part = named(second, attribute.parts ?? []);
    if (part === undefined || more.length > 0 || inside !== undefined) {
      const parts = attribute.parts?.map(({ name }) => `${attribute.name}.${name}`) ?? [];
      throw new FilterError(
        `there is no attribute "${short(text, longest)}"${parts.length === 0 ? '' : `; there are ${parts.join(', ')}`}`,
      );
    }
    return { attribute, part };
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(word: string): boolean {
    const token = this.#peek();
    const found = token?.kind === 'word' && token.text.toLowerCase() === word;
    this.#next += found ? 1 : 0;
    return found;
  }

  #word(expected: string): Token {
    const token = this.#peek();
    if (token?.kind !== 'word' || token.text.startsWith('.')) {
      throw new FilterError(
        `${token === undefined ? 'the end' : place(token)} stands where ${expected} is expected`,
      );
    }
    this.#next += 1;
    return token;
  }

  #expect(kind: Token['kind'], text: string): void {
    const token = this.#peek();
    if (token?.kind !== kind) {
      throw new FilterError(
        `${token === undefined ? 'the end' : place(token)} stands where ${text} is expected`,
      );
    }
    this.#next += 1;
  }
}

function named(name: string, among: readonly FilterAttribute[]): FilterAttribute | undefined {
  const folded = name.toLowerCase();
  return among.find(
    (attribute) =>
      attribute.name.toLowerCase() === folded ||
      attribute.aliases?.some((alias) => alias.toLowerCase() === folded) === true,
  );
}

/** A complex attribute that is compared as a whole is compared by its `value` (RFC 7643, 2.4). */
function valueOf(path: Path): Path {
  const { attribute, part } = path;
  return attribute.type === 'complex' && part === undefined
    ? { attribute, part: named('value', attribute.parts ?? []) }
    : path;
}

/** The value in the type of the attribute. @throws {FilterError} where it cannot be of that type */
function operandOf(
  name: string,
  { attribute, part }: Path,
  operator: Operator,
  given: string | number | boolean | null,
): Operand {
  const { type, begins = '' } = part ?? attribute;
  if (given === null) {
    if (operator !== 'eq' && operator !== 'ne') {
      throw new FilterError(`null can be compared with eq and ne only`);
    }
    return null;
  }
  const wrong = (expected: string): FilterError =>
    new FilterError(
      `${name} ${operator} ${short(JSON.stringify(given), longest)} makes no sense; ${expected}`,
    );
  switch (type) {
    case 'boolean': {
      const text = String(given).toLowerCase();
      if ((operator !== 'eq' && operator !== 'ne') || (text !== 'true' && text !== 'false')) {
        throw wrong(`write ${name} eq true or ${name} eq false`);
      }
      return text === 'true';
    }
    case 'dateTime': {
      const at = typeof given === 'string' ? instant(given) : undefined;
      if (at === undefined || operator === 'co' || operator === 'sw' || operator === 'ew') {
        throw wrong(
          `a time is compared with eq, ne, gt, ge, lt, le, as in ${name} gt "2026-01-31T00:00:00Z"`,
        );
      }
      return at;
    }
    case 'integer':
    case 'decimal':
      if (typeof given !== 'number' || operator === 'co' || operator === 'sw' || operator === 'ew') {
        throw wrong(`a number is compared with eq, ne, gt, ge, lt, le, as in ${name} gt 5`);
      }
      return given;
    case 'binary':
      // RFC 7644, 3.4.2.2, table 3.
      if (operator === 'gt' || operator === 'ge' || operator === 'lt' || operator === 'le') {
        throw wrong(`what is binary has no order`);
      }
      return textOf(name, given, wrong);
    case 'string':
    case 'reference':
    case 'complex': {
      const text = textOf(name, given, wrong);
      if (!mayBegin(begins, operator, text)) {
        throw wrong(`every ${name} begins with ${begins}`);
      }
      return text;
    }
  }
}

function textOf(
  name: string,
  given: string | number | boolean,
  wrong: (expected: string) => FilterError,
): string {
  if (typeof given !== 'string') {
    throw wrong(`${name} is a text: write it in double quotes`);
  }
  return given;
}

/** Whether there can be a value that is, or begins with, what is given. */
function mayBegin(begins: string, operator: Operator, given: string): boolean {
  return (
    (operator !== 'eq' && operator !== 'sw') ||
    given.startsWith(begins) ||
    (operator === 'sw' && begins.startsWith(given))
  );
}

/** Joins of the same kind are one. */
function joined(kind: 'and' | 'or', filters: readonly Filter[]): Filter {
  const [only, ...more] = filters;
  return only !== undefined && more.length === 0
    ? only
    : { kind, filters: filters.flatMap((filter) => (filter.kind === kind ? filter.filters : [filter])) };
}

function isOperator(text: string): text is Operator {
  return operators.some((operator) => operator === text);
}

/**
 * A time as RFC 3339 writes it, or a day; where no zone is given it is UTC, wherever this runs. Milliseconds since
 * the epoch; undefined where there is no such time.
 */
function instant(text: string): number | undefined {
  const found = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[-+]\d\d:\d\d)?)?$/i.exec(text);
  const [, day = '', time = '00:00', zone = 'Z'] = found ?? [];
  // `Date` takes the 30th of February for the 2nd of March.
  const midnight = Date.parse(`${day}T00:00Z`);
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  const at = exists ? Date.parse(`${day}T${time}${zone.toUpperCase()}`) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

function place({ text, at }: Token): string {
  return `"${short(text, longest)}" at character ${at + 1}`;
}
