/** How errors are told: RFC 7644, section 3.12, or RFC 9457. */
export type ErrorFormat = 'scim' | 'problem+json';

const scimErrorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** An answer other than the asked one, told as the mount tells errors: RFC 9457, or RFC 7644, section 3.12. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly title: string;
  /** Seconds until asking again can help; each 429 and 503 has one. */
  readonly retryAfter: number | undefined;
  /** RFC 7644, table 9; absent outside of SCIM. */
  readonly scimType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail for people: what is wrong and what to do; goes out as it is */
  constructor(
    status: keyof typeof titles,
    detail: string,
    more: {
      readonly retryAfter?: number;
      readonly scimType?: string | undefined;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: more.cause });
    this.status = status;
    this.title = titles[status];
    this.retryAfter = more.retryAfter ?? (status === 429 || status === 503 ? soon : undefined);
    this.scimType = more.scimType;
    this.headers = more.headers ?? {};
  }
}

/** Seconds, where nobody says better. */
const soon = 5;

/** As RFC 9110, RFC 6585 name them. */
const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
} as const;

/** The body of a problem. */
export function problemBody({ status, title, scimType, message }: Problem, format: ErrorFormat): string {
  const body =
    format === 'scim'
      ? { schemas: [scimErrorSchema], status: String(status), scimType, detail: message }
      : { type: 'about:blank', title, status, detail: message };
  return `${JSON.stringify(body)}\n`;
}

/** The header fields of a problem, its body's length among them. */
export function problemHeaders(problem: Problem, format: ErrorFormat): Record<string, string> {
  return {
    ...problem.headers,
    ...(problem.retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfter)) }),
    'content-type':
      format === 'scim' ? 'application/scim+json; charset=utf-8' : 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(problemBody(problem, format))),
  };
}
