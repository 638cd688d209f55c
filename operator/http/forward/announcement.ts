import { createHmac, timingSafeEqual } from 'node:crypto';

/** Where the replica that leads is reached by the others. */
export interface Announcement {
  /** As in the Lease: one that a holder before has left is no longer true. */
  readonly identity: string;
  /** HOST:PORT. */
  readonly address: string;
  /** SHA-256 of the certificate of its port, as `X509Certificate.fingerprint256`; undefined: it speaks no TLS. */
  readonly fingerprint: string | undefined;
}

/** On the Lease. */
export const announcementName = 'aws.idhub.io/leader-address';

/** The text of an announcement, which only who has the key can write: requests with credentials go there. */
export function writeAnnouncement(key: Buffer, { identity, address, fingerprint }: Announcement): string {
  const fields = [identity, address, fingerprint ?? ''];
  return JSON.stringify([...fields, macOf(key, 'announcement', fields)]);
}

/** Undefined where the text is none, or not written with this key. */
export function readAnnouncement(key: Buffer, text: string): Announcement | undefined {
  const parsed = parsedList(text);
  if (parsed?.length !== 4) {
    return undefined;
  }
  const [identity = '', address = '', fingerprint = '', mac = ''] = parsed;
  return isMac(mac, macOf(key, 'announcement', [identity, address, fingerprint]))
    ? { identity, address, fingerprint: fingerprint === '' ? undefined : fingerprint }
    : undefined;
}

/** Of texts, for one purpose. */
export function macOf(key: Buffer, purpose: string, texts: readonly string[]): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([purpose, ...texts]))
    .digest('base64url');
}

/** In a time that tells nothing of where they differ. */
export function isMac(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** A list of texts as JSON; undefined where it is none. */
export function parsedList(text: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((each) => typeof each === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}
