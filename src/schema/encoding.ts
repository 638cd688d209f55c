import { maxTagValue } from './tags.ts';

/**
 * Attribute values as IAM tag values, without loss.
 *
 * IAM takes letters, separators, numbers and `_.:/=+-@` in a tag value, at most 256 characters
 * (IAM API reference, Tag). What fits is written as it is. What does not (`O'Brien`, a street of
 * 1,024 characters) is written as `idhub:<part>/<parts>:<text>`, where each byte that IAM refuses
 * stands as `=XX` (as in quoted-printable, RFC 2045 section 6.7, with UTF-8), over several tags
 * where needed: `street`, `street.2`, `street.3`.
 */

/** More parts than this would be a value of over 20,000 characters, beyond any attribute. */
const maxParts = 99;
const legalValue = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const legalCharacter = /^[\p{L}\p{Z}\p{N}_.:/+\-@]$/u;
const marker = /^idhub:(\d{1,2})\/(\d{1,2}):/;

export type TagMap = ReadonlyMap<string, string>;

/** The key of a part: the attribute's own key for the first, `key.2` and on for the others. */
export function partKey(key: string, part: number): string {
  return part === 1 ? key : `${key}.${part}`;
}

/** The parts of a value, at least one. Plain wherever IAM takes it as it is. */
export function encodeValue(value: string): readonly string[] {
  if (value.length <= maxTagValue && legalValue.test(value) && !marker.test(value)) {
    return [value];
  }
  const room = maxTagValue - `idhub:${maxParts}/${maxParts}:`.length;
  const texts: string[] = [''];
  for (const character of value) {
    const written = legalCharacter.test(character) ? character : escape(character);
    const last = texts.at(-1) ?? '';
    if (last.length + written.length > room) {
      texts.push(written);
    } else {
      texts[texts.length - 1] = last + written;
    }
  }
  return texts.map((text, index) => `idhub:${index + 1}/${texts.length}:${text}`);
}

/** What an attribute's tags say, and which tags say it. */
export interface DecodedValue {
  readonly value: string;
  readonly keys: readonly string[];
}

/**
 * Reads an attribute back. Only a value that `encodeValue` would have written is decoded; anything
 * else is what a person wrote, and is returned to the letter. Undefined where there is no such tag.
 */
export function decodeValue(key: string, tags: TagMap): DecodedValue | undefined {
  const head = tags.get(key);
  if (head === undefined) {
    return undefined;
  }
  const plain = { value: head, keys: [key] };
  const parts = Number(marker.exec(head)?.[2] ?? 0);
  if (parts < 1 || parts > maxParts) {
    return plain;
  }
  const keys = Array.from({ length: parts }, (_, index) => partKey(key, index + 1));
  const written = keys.map((each) => tags.get(each));
  const text = written.map((each) => each?.replace(marker, '') ?? '').join('');
  const value = unescape(text);
  if (value === undefined) {
    return plain;
  }
  const again = encodeValue(value);
  return again.length === parts && again.every((each, index) => each === written[index])
    ? { value, keys }
    : plain;
}

/** Whether a tag value is a part of an encoded value beyond the first. */
export function isContinuation(value: string): boolean {
  const part = Number(marker.exec(value)?.[1] ?? 0);
  return part > 1;
}

function escape(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

function unescape(text: string): string | undefined {
  if (/=(?![0-9A-F]{2})/.test(text)) {
    return undefined;
  }
  const bytes = Buffer.from(
    text.replaceAll('%', '%25').replaceAll(/=([0-9A-F]{2})/g, '%$1'),
    'utf8',
  ).toString('utf8');
  try {
    return decodeURIComponent(bytes);
  } catch {
    return undefined;
  }
}
