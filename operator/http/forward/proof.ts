import type { IncomingMessage } from 'node:http';
import type { Forwarded } from '../frame/index.ts';
import { isMac, macOf, parsedList } from './announcement.ts';

/** On each request that is handed on. */
export const proofHeader = 'x-idhub-forwarded';

/** Clocks of nodes differ; and a request is not long on its way. */
const validMs = 300_000;

/**
 * The header field. It is good for this method and path alone, for five minutes.
 * @param now milliseconds since the epoch
 */
export function writeProof(
  key: Buffer,
  { method, url }: Pick<IncomingMessage, 'method' | 'url'>,
  { by, id, address, base }: Forwarded,
  now: number,
): string {
  const fields = [String(now), by, id, address, base];
  const mac = macOf(key, 'forwarded', [method ?? '', url ?? '', ...fields]);
  return Buffer.from(JSON.stringify([...fields, mac])).toString('base64url');
}

/** What another replica says of a request; undefined where none does that has the key. */
export function readProof(
  key: Buffer,
  { headers, method, url }: Pick<IncomingMessage, 'headers' | 'method' | 'url'>,
  now: number,
): Forwarded | undefined {
  const header = headers[proofHeader];
  const fields =
    typeof header === 'string' ? parsedList(Buffer.from(header, 'base64url').toString('utf8')) : undefined;
  if (fields?.length !== 6) {
    return undefined;
  }
  const [at = '', by = '', id = '', address = '', base = '', mac = ''] = fields;
  const good = isMac(mac, macOf(key, 'forwarded', [method ?? '', url ?? '', at, by, id, address, base]));
  return good && Math.abs(now - Number(at)) <= validMs ? { by, id, address, base } : undefined;
}
