import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../runtime/index.ts';
import type { Mount } from './mount.ts';
import { Problem } from './problem.ts';

/** A body that is too long is read on for so many bytes, so that the sender gets to read the answer. */
const mostIgnored = 16 * 1024 * 1024;

/** Whether a body follows the head (RFC 9112, section 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

export interface BodyOptions {
  readonly clock: Pick<Clock, 'setTimeout'>;
  /** Until all of it is there, ms. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/**
 * All of a body.
 * @throws {Problem} 413 too long, 408 too slow, 415 not of a type that the mount reads
 */
export async function readBody(
  request: IncomingMessage,
  { bodyLimit, mediaTypes }: Pick<Mount, 'bodyLimit' | 'mediaTypes'>,
  { clock, withinMs, signal }: BodyOptions,
): Promise<Buffer> {
  if (!hasBody(request)) {
    return Buffer.alloc(0);
  }
  if (bodyLimit === 0 || request.method === 'GET' || request.method === 'HEAD') {
    throw tooLong(request, 'A request has no body here.');
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem(415, 'A body is sent as it is: without Content-Encoding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  }
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (!mediaTypes.includes(type.trim().toLowerCase())) {
    throw new Problem(415, `The Content-Type of a body is ${mediaTypes.join(' or ')}.`, {
      headers: { accept: mediaTypes.join(', ') },
    });
  }
  const sentence = `A body has ${bodyLimit} bytes at most.`;
  if (Number(request.headers['content-length'] ?? 0) > bodyLimit) {
    throw tooLong(request, sentence);
  }
  return new Promise<Buffer>((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const settle = (act: () => void): void => {
      cancel();
      request.off('data', take).off('end', done).off('error', reject);
      signal.removeEventListener('abort', left);
      act();
    };
    const take = (part: Buffer): void => {
      length += part.length;
      if (length > bodyLimit) {
        settle(() => reject(tooLong(request, sentence)));
      } else {
        parts.push(part);
      }
    };
    const done = (): void => settle(() => resolve(Buffer.concat(parts)));
    const left = (): void => settle(() => reject(signal.reason as Error));
    const cancel = clock.setTimeout(() => {
      settle(() =>
        reject(
          new Problem(408, 'The body did not come to its end in time.', { headers: { connection: 'close' } }),
        ),
      );
    }, withinMs);
    signal.addEventListener('abort', left, { once: true });
    request.on('data', take).once('end', done).once('error', reject);
    if (signal.aborted) {
      left();
    }
  });
}

function tooLong(request: IncomingMessage, sentence: string): Problem {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > mostIgnored) {
    return new Problem(413, sentence, { headers: { connection: 'close' } });
  }
  let ignored = 0;
  request.on('data', (part: Buffer) => {
    ignored += part.length;
    if (ignored > mostIgnored) {
      request.destroy();
    }
  });
  return new Problem(413, sentence);
}

/** Brackets in brackets: deeper than any body of ours, shallow enough for code that goes down by itself. */
const deepest = 64;

/**
 * JSON of a body; undefined where there is none. What the parser says of it is told to nobody, since it quotes the body.
 * @throws {Problem} 400
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) {
    return undefined;
  }
  if (depthOf(body) > deepest) {
    throw unreadable(`The body has more than ${deepest} brackets in each other.`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw unreadable('The body is not UTF-8.');
  }
  try {
    return /__proto__|\\u(?:00|d[89a-f])/i.test(text)
      ? (JSON.parse(text, refuseTraps) as unknown)
      : JSON.parse(text);
  } catch (error) {
    if (error instanceof Problem) {
      throw error;
    }
    throw unreadable('The body is not JSON.');
  }
}

function unreadable(sentence: string): Problem {
  return new Problem(400, sentence, { scimType: 'invalidSyntax' });
}

/**
 * A member `__proto__` is an own property here, and a prototype wherever it is copied without care. Half of a surrogate
 * pair is no character: it is another one as soon as it is sent on as UTF-8, and what was asked for never is there.
 */
function refuseTraps(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) {
    throw new Problem(400, 'The body has half of a surrogate pair (\\ud800 to \\udfff) in a text.', {
      scimType: 'invalidValue',
    });
  }
  if (key === '__proto__') {
    throw new SyntaxError('refused');
  }
  return value;
}

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

function depthOf(text: Buffer): number {
  let depth = 0;
  let most = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    if (inString) {
      if (byte === backslash) {
        at += 1;
      } else if (byte === quote) {
        inString = false;
      }
    } else if (byte === quote) {
      inString = true;
    } else if (opening.has(byte)) {
      depth += 1;
      most = Math.max(most, depth);
    } else if (closing.has(byte)) {
      depth -= 1;
    }
  }
  return most;
}
