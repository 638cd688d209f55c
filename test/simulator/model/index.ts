import { readFileSync } from 'node:fs';

type Service = 'iam' | 'sts' | 'organizations' | 'cloudtrail';

interface Shape {
  readonly type: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, string>>;
  readonly member?: string;
  readonly key?: string;
  readonly value?: string;
}

interface ServiceModel {
  readonly operations: Readonly<Record<string, string | null>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

interface CompiledService {
  readonly operations: ReadonlyMap<string, Shape | undefined>;
  shape(name: string): Shape;
  pattern(shape: Shape): RegExp | undefined;
}

const models = JSON.parse(readFileSync(new URL('constraints.json', import.meta.url), 'utf8')) as {
  readonly services: Readonly<Record<Service, ServiceModel>>;
};

const services: Readonly<Record<Service, CompiledService>> = {
  iam: compile(models.services.iam),
  sts: compile(models.services.sts),
  organizations: compile(models.services.organizations),
  cloudtrail: compile(models.services.cloudtrail),
};

/**
 * Checks a parsed request as AWS's front end does, before anything is looked up: required members,
 * lengths (in code points), ranges, patterns (the whole value) and enumerations of botocore's model.
 *
 * @returns undefined when the input fits, else the message of AWS's `ValidationError`, all violations
 * in one: `2 validation errors detected: Value '…' at 'tags.1.member.key' failed to satisfy
 * constraint: …; Value …`. Values of sensitive members are left out of it.
 * @throws when the operation is not in the extracted model.
 */
export function validateInput(service: Service, operation: string, input: unknown): string | undefined {
  const compiled = services[service];
  if (!compiled.operations.has(operation)) {
    throw new Error(`constraints.json has no operation ${service}:${operation}`);
  }
  const shape = compiled.operations.get(operation);
  if (shape === undefined) {
    return undefined;
  }
  const violations: string[] = [];
  check(compiled, shape, input ?? {}, '', violations);
  if (violations.length === 0) {
    return undefined;
  }
  const noun = violations.length === 1 ? 'error' : 'errors';
  return `${violations.length} validation ${noun} detected: ${violations.join('; ')}`;
}

function compile(model: ServiceModel): CompiledService {
  const shape = (name: string): Shape => {
    const found = model.shapes[name];
    if (found === undefined) {
      throw new Error(`constraints.json has no shape ${name}`);
    }
    return found;
  };
  const patterns = new Map<Shape, RegExp>();
  for (const candidate of Object.values(model.shapes)) {
    if (candidate.pattern !== undefined) {
      patterns.set(candidate, new RegExp(`^(?:${candidate.pattern})$`, 'u'));
    }
  }
  const operations = new Map<string, Shape | undefined>();
  for (const [operation, name] of Object.entries(model.operations)) {
    operations.set(operation, name === null ? undefined : shape(name));
  }
  return { operations, shape, pattern: (candidate) => patterns.get(candidate) };
}

function check(service: CompiledService, shape: Shape, value: unknown, path: string, violations: string[]) {
  const fail = (constraint: string): void => {
    const shown = shape.sensitive === true ? 'Value' : `Value '${show(value)}'`;
    violations.push(`${shown} at '${path}' failed to satisfy constraint: ${constraint}`);
  };
  if (typeof value === 'string') {
    if (shape.enum !== undefined && !shape.enum.includes(value)) {
      fail(`Member must satisfy enum value set: [${shape.enum.join(', ')}]`);
    }
    checkLength(shape, codePoints(value), fail);
    if (service.pattern(shape)?.test(value) === false) {
      fail(`Member must satisfy regular expression pattern: ${shape.pattern}`);
    }
  } else if (typeof value === 'number') {
    if (shape.max !== undefined && value > shape.max) {
      fail(`Member must have value less than or equal to ${shape.max}`);
    }
    if (shape.min !== undefined && value < shape.min) {
      fail(`Member must have value greater than or equal to ${shape.min}`);
    }
  } else if (Array.isArray(value)) {
    checkLength(shape, value.length, fail);
    if (shape.member !== undefined) {
      const member = service.shape(shape.member);
      for (const [index, item] of value.entries()) {
        check(service, member, item, `${path}.${index + 1}.member`, violations);
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    checkObject(service, shape, value as Record<string, unknown>, path, violations, fail);
  }
}

function checkObject(
  service: CompiledService,
  shape: Shape,
  value: Record<string, unknown>,
  path: string,
  violations: string[],
  fail: (constraint: string) => void,
) {
  if (shape.type === 'map') {
    checkLength(shape, Object.keys(value).length, fail);
    for (const [key, item] of Object.entries(value)) {
      if (shape.key !== undefined) {
        check(service, service.shape(shape.key), key, path, violations);
      }
      if (shape.value !== undefined) {
        check(service, service.shape(shape.value), item, `${path}.${key}.member`, violations);
      }
    }
    return;
  }
  for (const name of shape.required ?? []) {
    if (value[name] === undefined || value[name] === null) {
      const member = `${prefix(path)}${decapitalize(name)}`;
      violations.push(`Value null at '${member}' failed to satisfy constraint: Member must not be null`);
    }
  }
  for (const [name, target] of Object.entries(shape.members ?? {})) {
    const item = value[name];
    if (item !== undefined && item !== null) {
      check(service, service.shape(target), item, `${prefix(path)}${decapitalize(name)}`, violations);
    }
  }
}

function checkLength(shape: Shape, length: number, fail: (constraint: string) => void): void {
  if (shape.max !== undefined && length > shape.max) {
    fail(`Member must have length less than or equal to ${shape.max}`);
  }
  if (shape.min !== undefined && length < shape.min) {
    fail(`Member must have length greater than or equal to ${shape.min}`);
  }
}

function codePoints(value: string): number {
  let count = 0;
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index);
    // The second half of a surrogate pair belongs to the code point before it.
    if (unit < 0xdc00 || unit > 0xdfff) {
      count += 1;
    }
  }
  return count;
}

const prefix = (path: string): string => (path === '' ? '' : `${path}.`);

/** AWS's messages name members as Java beans do: only the first letter changes. */
const decapitalize = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

function show(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);
}
