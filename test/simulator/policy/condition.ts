import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { compilePattern, type Pattern, type VariableLookup } from './glob.ts';

/** The request's context: keys are case-insensitive, so `value` finds them in any case. */
export interface Context {
  values(key: string): readonly string[] | undefined;
  readonly lookup: VariableLookup;
}

export type Condition = (context: Context) => boolean;

type Test = (value: string, lookup: VariableLookup) => boolean;

interface Operator {
  /** True for operators that hold when the value is none of those listed, or the key is absent. */
  readonly negated?: boolean;
  compile(expected: string, variables: boolean): Test;
}

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { compile: text({ wildcards: false }) },
  StringNotEquals: { negated: true, compile: text({ wildcards: false }) },
  StringEqualsIgnoreCase: { compile: text({ wildcards: false, ignoreCase: true }) },
  StringNotEqualsIgnoreCase: { negated: true, compile: text({ wildcards: false, ignoreCase: true }) },
  StringLike: { compile: text({ wildcards: true }) },
  StringNotLike: { negated: true, compile: text({ wildcards: true }) },
  NumericEquals: { compile: ordered(Number, (order) => order === 0) },
  NumericNotEquals: { negated: true, compile: ordered(Number, (order) => order === 0) },
  NumericLessThan: { compile: ordered(Number, (order) => order < 0) },
  NumericLessThanEquals: { compile: ordered(Number, (order) => order <= 0) },
  NumericGreaterThan: { compile: ordered(Number, (order) => order > 0) },
  NumericGreaterThanEquals: { compile: ordered(Number, (order) => order >= 0) },
  DateEquals: { compile: ordered(instant, (order) => order === 0) },
  DateNotEquals: { negated: true, compile: ordered(instant, (order) => order === 0) },
  DateLessThan: { compile: ordered(instant, (order) => order < 0) },
  DateLessThanEquals: { compile: ordered(instant, (order) => order <= 0) },
  DateGreaterThan: { compile: ordered(instant, (order) => order > 0) },
  DateGreaterThanEquals: { compile: ordered(instant, (order) => order >= 0) },
  Bool: { compile: (expected) => (value) => value.toLowerCase() === expected.toLowerCase() },
  BinaryEquals: { compile: (expected) => (value) => value === expected },
  IpAddress: { compile: address },
  NotIpAddress: { negated: true, compile: address },
  ArnEquals: { compile: arn },
  ArnLike: { compile: arn },
  ArnNotEquals: { negated: true, compile: arn },
  ArnNotLike: { negated: true, compile: arn },
};

/** Whether a condition operator exists, with its prefix and suffix (`ForAnyValue:…IfExists`). */
export function isConditionOperator(name: string): boolean {
  const parsed = parseOperator(name);
  return parsed.name === 'Null'
    ? !parsed.ifExists && parsed.set === undefined
    : Object.hasOwn(operators, parsed.name);
}

/**
 * Compiles one operator, key and its values of a Condition block
 * (IAM User Guide: reference_policies_elements_condition_operators, reference_policies_condition-single-vs-multi-valued-context-keys).
 *
 * @throws when the operator does not exist: `isConditionOperator` tells before.
 */
export function compileCondition(
  operatorName: string,
  key: string,
  expected: readonly string[],
  variables: boolean,
): Condition {
  const { name, set, ifExists } = parseOperator(operatorName);
  if (name === 'Null') {
    const wanted = new Set(expected.map((value) => value.toLowerCase() === 'true'));
    return (context) => wanted.has((context.values(key)?.length ?? 0) === 0);
  }
  const operator = operators[name];
  if (operator === undefined) {
    throw new Error(`unknown condition operator ${operatorName}`);
  }
  const tests = expected.map((value) => operator.compile(value, variables));
  const negated = operator.negated === true;
  const holds: Test = (value, lookup) => tests.some((each) => each(value, lookup)) !== negated;
  return (context) => {
    const values = context.values(key);
    const present = values !== undefined && values.length > 0;
    if (!present) {
      return set === undefined ? ifExists || negated : set === 'ForAllValues';
    }
    const every = set === undefined ? negated : set === 'ForAllValues';
    return every
      ? values.every((value) => holds(value, context.lookup))
      : values.some((value) => holds(value, context.lookup));
  };
}

function parseOperator(operatorName: string): {
  name: string;
  set: 'ForAnyValue' | 'ForAllValues' | undefined;
  ifExists: boolean;
} {
  const match = /^(?:(ForAnyValue|ForAllValues):)?(.*?)(IfExists)?$/u.exec(operatorName);
  return {
    name: match?.[2] ?? operatorName,
    set: match?.[1] as 'ForAnyValue' | 'ForAllValues' | undefined,
    ifExists: match?.[3] !== undefined,
  };
}

function text(options: { wildcards: boolean; ignoreCase?: boolean }): Operator['compile'] {
  return (expected, variables) => {
    const pattern = compilePattern(expected, { ...options, variables });
    return (value, lookup) => pattern.matches(value, lookup);
  };
}

function ordered(parse: (text: string) => number, fits: (order: number) => boolean): Operator['compile'] {
  return (expected) => {
    const limit = parse(expected);
    // A comparison with NaN is neither less nor more nor equal: it never fits.
    return (value) => fits(Math.sign(parse(value) - limit));
  };
}

function instant(value: string): number {
  return /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) * 1000 : Date.parse(value);
}

function address(expected: string): Test {
  const [network = '', prefix] = expected.split('/');
  const list = new BlockList();
  const bits = Number(prefix ?? 0);
  if ((!isIPv4(network) && !isIPv6(network)) || !(bits >= 0 && bits <= (isIPv6(network) ? 128 : 32))) {
    return () => false;
  }
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  if (prefix === undefined) {
    list.addAddress(network, family);
  } else {
    list.addSubnet(network, bits, family);
  }
  return (value) => (isIPv4(value) || isIPv6(value)) && list.check(value, isIPv6(value) ? 'ipv6' : 'ipv4');
}

/** Each of the six components of an ARN is matched separately: a wildcard does not cross a colon. */
function arn(expected: string, variables: boolean): Test {
  const patterns: readonly Pattern[] = splitArn(expected).map((component) =>
    compilePattern(component, { wildcards: true, variables }),
  );
  return (value, lookup) => {
    const components = splitArn(value);
    return (
      components.length === patterns.length &&
      patterns.every((pattern, index) => pattern.matches(components[index] ?? '', lookup))
    );
  };
}

function splitArn(value: string): string[] {
  // Colons inside ${…} do not separate components.
  const parts = value.match(/(?:\$\{[^}]*\}|[^:])+|(?<=:|^)(?=:|$)/gu) ?? [];
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}
