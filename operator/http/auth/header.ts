import type { IncomingMessage } from 'node:http';

/** What a request shows of who asks. */
export type Shown =
  /** `user:password`, as it came. */
  | { readonly kind: 'basic'; readonly value: Buffer }
  | { readonly kind: 'bearer'; readonly value: Buffer }
  /** Nothing, or nothing that makes sense. */
  | { readonly kind: 'none' };

const none: Shown = { kind: 'none' };

/**
 * Reads `Authorization` (RFC 7617, RFC 6750). Two of them, an empty one, spaces within it and bad Base64
 * are no credentials.
 */
export function shownBy({ headersDistinct }: Pick<IncomingMessage, 'headersDistinct'>): Shown {
  const [header, ...more] = headersDistinct['authorization'] ?? [];
  if (header === undefined || more.length > 0) {
    return none;
  }
  const [, scheme = '', text = ''] = /^(basic|bearer) +([\w.~+/-]+={0,2}) *$/i.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') {
    return { kind: 'bearer', value: Buffer.from(text, 'latin1') };
  }
  if (scheme === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return none;
  }
  return { kind: 'basic', value: Buffer.from(text, 'base64') };
}
