import { createHmac } from 'node:crypto';

/** What signs notifications. */
export interface SigningKeys {
  /** By the names of their entries, ascending. */
  readonly keys: readonly Buffer[];
  /** What is wrong with the entries that are not among them: names and rules, never values. */
  readonly problems: readonly string[];
}

const entryName = /^key\.[A-Za-z0-9_-]{1,63}$/;
const prefix = 'whsec_';
/** 192 to 512 bits (Standard Webhooks 1.0.0, signature scheme). */
const leastBytes = 24;
const mostBytes = 64;
/** So many signatures a request has at most: receivers try one after the other. */
const mostKeys = 5;

/** Reads entries `key.<name>` of a Secret: `whsec_` and base64, as Standard Webhooks writes keys down. Pure. */
export function readSigningKeys(entries: ReadonlyMap<string, string>): SigningKeys {
  const keys: Buffer[] = [];
  const problems: string[] = [];
  for (const [name, text] of [...entries].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (!entryName.test(name)) {
      continue;
    }
    const key = keyOf(text.trim());
    if (key === undefined) {
      problems.push(`${name} is not ${prefix} and base64 of ${leastBytes} to ${mostBytes} bytes`);
    } else if (keys.length === mostKeys) {
      problems.push(`${name} is one too many: ${mostKeys} keys sign`);
    } else {
      keys.push(key);
    }
  }
  return { keys, problems };
}

function keyOf(text: string): Buffer | undefined {
  if (!text.startsWith(prefix)) {
    return undefined;
  }
  const encoded = text.slice(prefix.length);
  const key = Buffer.from(encoded, 'base64');
  // Node skips what is no base64: a key that was cut or mistyped would sign, and nobody could verify it.
  const whole = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  return whole && key.length >= leastBytes && key.length <= mostBytes ? key : undefined;
}

/** What is signed and sent. */
export interface Message {
  /** The same on each try; has no full stop, which separates what is signed. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/**
 * The headers of Standard Webhooks 1.0.0: a signature for each key, by HMAC-SHA256 over id, time and body. Pure.
 * @param now of this try, milliseconds since the epoch
 */
export function signedHeaders(
  { id, body }: Message,
  keys: readonly Buffer[],
  now: number,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = String(Math.floor(now / 1_000));
  const signatures = keys.map((key) => {
    const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return `v1,${digest}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
