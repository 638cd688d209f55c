import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ConnectionName } from '../model.ts';
import { sentencesOf } from './parse.ts';
import { operationIdSchema, type JsonSchema } from './schemas.ts';

/** A reading of an AWS account that a client asks for. */
export interface RunRequest {
  readonly operationId: string;
  readonly mode?: 'Full' | 'Incremental';
  readonly resources?: readonly ('Account' | 'Entitlement')[];
  /** SCIM, over the account schema. */
  readonly filter?: string;
  /** By IAM user name. */
  readonly users?: readonly string[];
  readonly dryRun?: boolean;
}

export const runSchema: JsonSchema = {
  type: 'object',
  description:
    'Reads an AWS account and reports what changed since it was last reconciled. Writes nothing in AWS.',
  properties: {
    operationId: operationIdSchema,
    mode: {
      type: 'string',
      enum: ['Full', 'Incremental'],
      description:
        'Full (the default) reads the whole account; Incremental what CloudTrail speaks of, where that can be relied on.',
    },
    resources: {
      type: 'array',
      minItems: 1,
      maxItems: 2,
      uniqueItems: true,
      items: { type: 'string', enum: ['Account', 'Entitlement'] },
      description: 'Default both, and Account alone with users.',
    },
    filter: {
      type: 'string',
      minLength: 1,
      maxLength: 4_096,
      description:
        'Only the accounts that match this SCIM filter (RFC 7644, 3.4.2.2) over the account schema. Not together with users.',
    },
    users: {
      type: 'array',
      minItems: 1,
      maxItems: 100,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 64 },
      description: 'Only these accounts, by IAM user name, read live. Not together with filter.',
    },
    dryRun: { type: 'boolean', description: 'Report only: the next run reports the same changes again.' },
  },
  required: ['operationId'],
  additionalProperties: false,
};

export type ParsedRun =
  | { readonly kind: 'run'; readonly request: RunRequest }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] };

/** Tells runs that are asked for from other bodies. */
export class RunParser {
  readonly #validate: ValidateFunction<RunRequest>;

  constructor() {
    this.#validate = new Ajv2020({ strict: true, allErrors: true }).compile<RunRequest>(runSchema);
  }

  parse(body: unknown): ParsedRun {
    return this.#validate(body)
      ? { kind: 'run', request: body }
      : { kind: 'invalid', errors: sentencesOf(this.#validate.errors ?? [], '') };
  }
}

/** How a run stands. */
export interface RunState {
  readonly namespace: string;
  readonly name: string;
  /** Undefined of one that was not made here. */
  readonly operationId: string | undefined;
  readonly status: 'running' | 'complete' | 'failed';
  /** One word for programs, and a sentence for people. */
  readonly reason: string;
  readonly message: string;
  /** How it was read. */
  readonly mode: 'Full' | 'Incremental' | undefined;
  readonly counts: Readonly<Record<string, number>> | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
}

export type MadeRun =
  /** `made`: by this call, and not by an earlier one of this id. */
  | { readonly kind: 'run'; readonly made: boolean; readonly run: RunState }
  /** The `operationId` was used for something else. */
  | { readonly kind: 'used'; readonly message: string }
  /** There can be no such run; what is wrong. */
  | { readonly kind: 'refused'; readonly errors: readonly string[] };

/** The runs of an AWS account. */
export interface Runs {
  /** Makes it once for its `operationId`. */
  make(connection: ConnectionName, request: RunRequest, signal: AbortSignal): Promise<MadeRun>;
  find(connection: ConnectionName, name: string, signal: AbortSignal): Promise<RunState | undefined>;
}
