import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../errors.ts';

interface Node {
  value?: string;
  children?: Map<string, Node>;
}

/** More parameters than any IAM request has (SimulateCustomPolicy is the largest). */
const MAX_PARAMETERS = 10_000;
const MAX_DEPTH = 12;

/**
 * Parses the parameters of an AWS query request into the operation's input. Keys live in maps, so that
 * `__proto__` is a key as any other, and only members of the schema reach the result.
 */
export function parseQuery(parameters: URLSearchParams, schema: NormalizedSchema): Record<string, unknown> {
  const root: Node = {};
  let count = 0;
  for (const [key, value] of parameters) {
    count += 1;
    const parts = key.split('.');
    if (count > MAX_PARAMETERS || parts.length > MAX_DEPTH) {
      throw new AwsError('MalformedQueryString', 'The query string contains too many parameters.', 400);
    }
    let node = root;
    for (const part of parts) {
      node.children ??= new Map();
      const child: Node = node.children.get(part) ?? {};
      node.children.set(part, child);
      node = child;
    }
    node.value = value;
  }
  return readStruct(root, schema);
}

function readStruct(node: Node, schema: NormalizedSchema): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  if (schema.isStructSchema()) {
    for (const [name, member] of schema.structIterator()) {
      const child = node.children?.get(name);
      if (child !== undefined) {
        result[name] = readValue(child, member);
      }
    }
  }
  return result;
}

function readValue(node: Node, schema: NormalizedSchema): unknown {
  if (schema.isStructSchema()) {
    return readStruct(node, schema);
  }
  if (schema.isListSchema()) {
    const member = schema.getValueSchema();
    return numbered(node.children?.get('member')).map((child) => readValue(child, member));
  }
  if (schema.isMapSchema()) {
    const value = schema.getValueSchema();
    return Object.fromEntries(
      numbered(node.children?.get('entry')).map((entry) => [
        entry.children?.get('key')?.value ?? '',
        readValue(entry.children?.get('value') ?? {}, value),
      ]),
    );
  }
  const text = node.value ?? '';
  if (schema.isBooleanSchema()) {
    if (text !== 'true' && text !== 'false') {
      throw new AwsError('MalformedInput', `Invalid Boolean value: ${text}`, 400);
    }
    return text === 'true';
  }
  if (schema.isNumericSchema()) {
    if (!/^-?\d{1,15}(?:\.\d+)?$/.test(text)) {
      throw new AwsError('MalformedInput', `Invalid number: ${text}`, 400);
    }
    return Number(text);
  }
  if (schema.isTimestampSchema()) {
    return new Date(text);
  }
  if (schema.isBlobSchema()) {
    return Buffer.from(text, 'base64');
  }
  return text;
}

/** Members `1`, `2`, … in the order of their numbers. */
function numbered(node: Node | undefined): readonly Node[] {
  return [...(node?.children ?? [])]
    .filter(([key]) => /^\d{1,6}$/.test(key))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}
