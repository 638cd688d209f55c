/** How requests are sent; a token is in many of them, so nobody logs them. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM, trusted beside the usual authorities. */
  readonly ca: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of `Retry-After`, where it is there and understood. */
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

/**
 * Sends one request and gives the answer, whatever its status; follows no redirect.
 * @throws {Error} where there is no whole answer in time: `code` says why, as Node names it
 */
export type SendHttp = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** What kept an answer away, for people: the error's code, never its message, which may quote what was sent. */
export function unreachableBecause(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : 'no answer in time';
}

/** A JSON object, or undefined. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Text of somebody else that can be shown: one line of plain characters, none of `secrets` in it. */
export function shown(text: unknown, secrets: readonly string[]): string {
  if (typeof text !== 'string') {
    return '';
  }
  let clean = text;
  for (const secret of secrets) {
    clean = secret === '' ? clean : clean.replaceAll(secret, '[redacted]');
  }
  // What looks like a token may be one that nobody told us of.
  return clean
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .replaceAll(/[\w\-+/=.]{40,}/g, '[redacted]')
    .slice(0, 200);
}
