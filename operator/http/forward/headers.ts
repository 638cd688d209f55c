import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Fields that speak of one connection alone (RFC 9110, section 7.6.1), and those that older software sends so. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Header fields without those of one connection, and without `more`. */
export function endToEnd(headers: IncomingHttpHeaders, more: readonly string[] = []): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named, ...more]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}
