/** An answer other than the asked one, told as a problem (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly title: string;
  /** Seconds until asking again can help. */
  readonly retryAfter: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail for people: what is wrong and what to do; goes out as it is */
  constructor(
    status: keyof typeof titles,
    detail: string,
    more: {
      readonly retryAfter?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: more.cause });
    this.status = status;
    this.title = titles[status];
    this.retryAfter = more.retryAfter;
    this.headers = more.headers ?? {};
  }
}

/** As RFC 9110, RFC 6585 name them. */
const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

export const problemType = 'application/problem+json; charset=utf-8';

/** The body of a problem. */
export function problemBody({ status, title, message }: Problem): string {
  return `${JSON.stringify({ type: 'about:blank', title, status, detail: message })}\n`;
}

/** The header fields of a problem, its body's length among them. */
export function problemHeaders(problem: Problem): Record<string, string> {
  return {
    ...problem.headers,
    ...(problem.retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfter)) }),
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(problemBody(problem))),
  };
}
