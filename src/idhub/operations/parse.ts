import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { operationKinds, type Operation, type OperationKind, type OperationResult } from './model.ts';
import { operationIdSchema, operationSchemas } from './schemas.ts';

/** One operation's body; what a list as a whole may be is for the port to say. */
export const maxOperationBytes = 32_768;
/** Operations of one list. */
export const maxBatch = 100;

const maxSentences = 20;

export type ParsedOperation =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | {
      readonly kind: 'invalid';
      readonly errors: readonly string[];
      readonly result: OperationResult & { readonly status: 'refused' };
    };

/** Tells operations from other bodies; schemas are compiled when it is made. */
export class OperationParser {
  readonly #validators: ReadonlyMap<string, ValidateFunction<Operation>>;
  readonly #isId: ValidateFunction<string>;

  constructor() {
    const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
    this.#isId = ajv.compile<string>(operationIdSchema);
    this.#validators = new Map(
      operationKinds.map((kind) => [kind, ajv.compile<Operation>(operationSchemas[kind])]),
    );
  }

  isOperationId(text: string): boolean {
    return this.#isId(text);
  }

  /** @param at where in the body it is, as a JSON Pointer (RFC 6901): empty, or `/3` */
  parse(body: unknown, at: string): ParsedOperation {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      return this.#invalid(body, [`${at || 'The body'} is an operation: a JSON object.`]);
    }
    const bytes = Buffer.byteLength(JSON.stringify(body));
    if (bytes > maxOperationBytes) {
      return this.#invalid(body, [
        `${at || 'The body'} has ${bytes} bytes; an operation has ${maxOperationBytes} at most.`,
      ]);
    }
    const { kind } = body as { readonly kind?: unknown };
    const validate = typeof kind === 'string' ? this.#validators.get(kind) : undefined;
    if (validate === undefined) {
      return this.#invalid(body, [`${at}/kind is one of ${operationKinds.join(', ')}.`]);
    }
    if (!validate(body)) {
      return this.#invalid(body, sentencesOf(validate.errors ?? [], at));
    }
    return { kind: 'operation', operation: body };
  }

  #invalid(body: unknown, errors: readonly string[]): ParsedOperation {
    const { operationId, kind } = (body ?? {}) as { readonly operationId?: unknown; readonly kind?: unknown };
    return {
      kind: 'invalid',
      errors,
      result: {
        operationId: typeof operationId === 'string' && this.#isId(operationId) ? operationId : null,
        kind: operationKinds.includes(kind as OperationKind) ? (kind as OperationKind) : null,
        status: 'refused',
        reason: 'invalidOperation',
        message: errors[0] ?? 'The body is no operation.',
        errors,
      },
    };
  }
}

/** What is wrong, by place; never with the values, which may be passwords. */
export function sentencesOf(errors: readonly ErrorObject[], at: string): readonly string[] {
  // Of a choice, the sentence on the choice says what there is; those on its branches contradict each other.
  const choices = errors.filter(({ keyword }) => keyword === 'oneOf');
  const told = errors.filter(
    ({ keyword, schemaPath }) =>
      keyword !== 'propertyNames' &&
      (keyword === 'oneOf' || !choices.some((choice) => schemaPath.startsWith(`${choice.schemaPath}/`))),
  );
  const all = [...new Set(told.map((error) => sentence(error, at)))];
  return all.length > maxSentences
    ? [...all.slice(0, maxSentences), `… and ${all.length - maxSentences} more.`]
    : all;
}

function sentence(error: ErrorObject, at: string): string {
  const { instancePath, keyword, message = 'is not as it should be', propertyName } = error;
  const params = error.params as Readonly<Record<string, unknown>>;
  const place = `${at}${instancePath}` || 'The body';
  switch (keyword) {
    case 'required':
      return `${place} needs "${String(params['missingProperty'])}".`;
    case 'additionalProperties':
      return `${place} has no "${shortened(params['additionalProperty'])}".`;
    case 'oneOf':
      return instancePath.startsWith('/account')
        ? `${place} has either "id" or "userName", and nothing else.`
        : `${place} has either "arn" or "type" and "name"; types are Group, AwsManagedPolicy, CustomerManagedPolicy, InlinePolicy.`;
    case 'enum':
      return `${place} is one of: ${(params['allowedValues'] as readonly unknown[]).join(', ')}.`;
    case 'minItems':
      return `${place} has at least ${String(params['limit'])}.`;
    case 'minProperties':
      return `${place} says nothing to change.`;
    case 'pattern':
      return `${place} has letters, digits and . _ : - and begins with a letter or digit.`;
    default:
      return propertyName === undefined
        ? `${place} ${message}.`
        : `${place}: the name "${shortened(propertyName)}" ${message}.`;
  }
}

/** What a client wrote, as it goes back to it. */
function shortened(text: unknown): string {
  return String(text).replace(/\p{C}/gu, '').slice(0, 50);
}
