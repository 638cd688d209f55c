const mostMs = 3_600_000;

/**
 * How long the header field Retry-After asks to wait: seconds or a date (RFC 9110, section 10.2.3).
 * @param now milliseconds since the epoch
 * @returns milliseconds, an hour at the most; undefined where it asks for nothing
 */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  const value = text?.trim() ?? '';
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return ms > 0 ? Math.min(ms, mostMs) : undefined;
}
