/** The URN of an error body (RFC 7644, 3.12). */
const errorUrn = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** The keywords that tell a client what to do about a 400 or 409, with the status of each (RFC 7644, table 9). */
export const scimTypes = {
  invalidFilter: 400,
  tooMany: 400,
  uniqueness: 409,
  mutability: 400,
  invalidSyntax: 400,
  invalidPath: 400,
  noTarget: 400,
  invalidValue: 400,
  invalidVers: 400,
  sensitive: 403,
} as const;

export type ScimType = keyof typeof scimTypes;

/** The body of an error; `status` is a text (RFC 7644, 3.12). */
export interface ErrorBody {
  readonly schemas: readonly [typeof errorUrn];
  readonly status: string;
  /** One of `scimTypes`. */
  readonly scimType?: string;
  readonly detail: string;
}

/** What a client did, or asked for, that cannot be done. `message` goes out as it is: a sentence without secrets. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  /** Of HTTP. */
  readonly status: number;
  readonly scimType: ScimType | undefined;
  /** Until it is worth asking again. */
  readonly retryAfterMs: number | undefined;

  /** @param kind a keyword, which has its own status, or the status of an error that has no keyword */
  constructor(
    kind: ScimType | number,
    message: string,
    more: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.scimType = typeof kind === 'number' ? undefined : kind;
    this.status = typeof kind === 'number' ? kind : scimTypes[kind];
    this.retryAfterMs = more.retryAfterMs;
  }
}

/** The body of an error, of SCIM or of what lies before it. */
export function errorBody({
  status,
  scimType,
  message,
}: Pick<ScimError, 'status' | 'message'> & { readonly scimType?: string | undefined }): ErrorBody {
  return {
    schemas: [errorUrn],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail: message,
  };
}
