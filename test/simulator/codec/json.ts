import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../errors.ts';

/** Parses a body of the AWS JSON protocol: only members of the schema reach the result. */
export function parseJson(body: string, schema: NormalizedSchema): Record<string, unknown> {
  let value: unknown;
  try {
    value = body === '' ? {} : JSON.parse(body);
  } catch {
    throw new AwsError('SerializationException', 'The request body is not valid JSON.', 400);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AwsError('SerializationException', 'Start of structure expected.', 400);
  }
  return schema.isStructSchema() ? (read(value, schema) as Record<string, unknown>) : {};
}

function read(value: unknown, schema: NormalizedSchema): unknown {
  if (value === null || value === undefined) {
    return undefined;
  }
  if (schema.isStructSchema()) {
    const result: Record<string, unknown> = {};
    if (typeof value === 'object') {
      for (const [name, member] of schema.structIterator()) {
        if (Object.hasOwn(value, name)) {
          result[name] = read((value as Record<string, unknown>)[name], member);
        }
      }
    }
    return result;
  }
  if (schema.isListSchema()) {
    return Array.isArray(value) ? value.map((item) => read(item, schema.getValueSchema())) : [];
  }
  if (schema.isTimestampSchema()) {
    return new Date(Number(value) * 1000);
  }
  return value;
}

/** Writes a reply of the AWS JSON protocol: timestamps are seconds since the epoch. */
export function writeJson(output: unknown, schema: NormalizedSchema): string {
  return schema.isStructSchema() ? JSON.stringify(output, writeDates) : '{}';
}

function writeDates(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Readonly<Record<string, unknown>>)[key];
  return original instanceof Date ? original.getTime() / 1000 : value;
}

/** What the query protocol's codes are called in services of the JSON protocol. */
const JSON_CODES: ReadonlyMap<string, string> = new Map([
  ['AccessDenied', 'AccessDeniedException'],
  ['InvalidClientTokenId', 'UnrecognizedClientException'],
  ['SignatureDoesNotMatch', 'InvalidSignatureException'],
  ['ExpiredToken', 'ExpiredTokenException'],
  ['MissingAuthenticationToken', 'MissingAuthenticationTokenException'],
  ['IncompleteSignature', 'IncompleteSignatureException'],
  ['Throttling', 'ThrottlingException'],
  ['InvalidAction', 'UnknownOperationException'],
  ['ValidationError', 'ValidationException'],
]);

export function writeJsonError(error: AwsError): { status: number; code: string; body: string } {
  const code = JSON_CODES.get(error.code) ?? error.code;
  const status = error.status >= 500 ? error.status : 400;
  return {
    status,
    code,
    body: JSON.stringify({ __type: code, message: error.message, Message: error.message }),
  };
}
