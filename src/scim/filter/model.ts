/** An attribute that a filter may name. */
export interface FilterAttribute {
  readonly name: string;
  readonly type:
    'string' | 'boolean' | 'dateTime' | 'integer' | 'decimal' | 'reference' | 'binary' | 'complex';
  /** Other names that it may be called by. */
  readonly aliases?: readonly string[];
  /** Whether letters count as they are written; else without regard to case. */
  readonly caseExact?: boolean;
  /** What every value begins with: a comparison with what begins otherwise is a mistake. */
  readonly begins?: string;
  /** Of a complex attribute. */
  readonly parts?: readonly FilterAttribute[];
}

export const operators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Operator = (typeof operators)[number];

/** What is compared: a time is milliseconds since the epoch. */
export type Operand = string | boolean | number | null;

/** A filter whose names and values fit the attributes that it was read for. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | {
      readonly kind: 'compare';
      readonly path: Path;
      readonly operator: Operator;
      readonly operand: Operand;
    }
  | { readonly kind: 'present'; readonly path: Path }
  /** Some value of a complex attribute fits as a whole. */
  | { readonly kind: 'some'; readonly attribute: FilterAttribute; readonly filter: Filter };

/** An attribute, or a part of a complex one. */
export interface Path {
  readonly attribute: FilterAttribute;
  readonly part: FilterAttribute | undefined;
}

/** A value of an attribute: a time is milliseconds since the epoch. */
export type Simple = string | boolean | number;
export type Value = Simple | Readonly<Record<string, Simple | undefined>>;

/** The values of an attribute, none where it has none; `unknown` where it could not be read. */
export type Lookup = (attribute: string) => readonly Value[] | 'unknown';
