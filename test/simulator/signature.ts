import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError } from './errors.ts';

/** An HTTP request as it came in: `path` is the target with its query, header names are in lower case. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface CredentialScope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** IAM, STS and the others accept a signature for so long (AWS General Reference, Signature Version 4). */
const MAX_AGE_MS = 15 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})$/;

/** What the Authorization header claims; undefined when there is none. Throws IncompleteSignature when it cannot be read. */
export function readScope(headers: SignedRequest['headers']): CredentialScope | undefined {
  const header = headers['authorization'];
  if (typeof header !== 'string') {
    return undefined;
  }
  const match = AUTHORIZATION.exec(header.trim());
  if (match === null) {
    throw new AwsError(
      'IncompleteSignature',
      'Authorization header is not a complete AWS4-HMAC-SHA256 signature.',
    );
  }
  const [, accessKeyId = '', date = '', region = '', service = '', names = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: names.split(';'), signature };
}

/** Verifies Signature Version 4. `now` is milliseconds since the epoch. Throws what AWS answers. */
export class SignatureVerifier {
  readonly #keys = new Map<string, Buffer>();

  verify(request: SignedRequest, scope: CredentialScope, secretAccessKey: string, now: number): void {
    const stamp = single(request.headers['x-amz-date']) ?? '';
    const time = parseStamp(stamp);
    if (time === undefined || !stamp.startsWith(scope.date)) {
      throw new AwsError(
        'IncompleteSignature',
        'Date must be in ISO-8601 basic format and match the credential scope.',
      );
    }
    const canonical = createHash('sha256').update(canonicalRequest(request, scope)).digest('hex');
    const scopeText = `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
    const expected = createHmac('sha256', this.#key(scope, secretAccessKey))
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scopeText}\n${canonical}`)
      .digest();
    if (!timingSafeEqual(expected, Buffer.from(scope.signature, 'hex'))) {
      throw new AwsError(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      );
    }
    if (time < now - MAX_AGE_MS) {
      throw new AwsError(
        'SignatureDoesNotMatch',
        `Signature expired: ${stamp} is now earlier than ${toStamp(now - MAX_AGE_MS)} (${toStamp(now)} - 15 min.)`,
      );
    }
    if (time > now + MAX_AGE_MS) {
      throw new AwsError(
        'SignatureDoesNotMatch',
        `Signature not yet current: ${stamp} is still later than ${toStamp(now + MAX_AGE_MS)} (${toStamp(now)} + 15 min.)`,
      );
    }
  }

  #key(scope: CredentialScope, secret: string): Buffer {
    const name = `${secret}/${scope.date}/${scope.region}/${scope.service}`;
    const known = this.#keys.get(name);
    if (known !== undefined) {
      return known;
    }
    const key = [scope.date, scope.region, scope.service, 'aws4_request'].reduce<Buffer>(
      (previous, part) => createHmac('sha256', previous).update(part).digest(),
      Buffer.from(`AWS4${secret}`),
    );
    if (this.#keys.size > 10_000) {
      this.#keys.clear();
    }
    this.#keys.set(name, key);
    return key;
  }
}

function canonicalRequest(request: SignedRequest, scope: CredentialScope): string {
  const [path = '/', query = ''] = request.path.split('?', 2);
  const headers = scope.signedHeaders.map(
    (name) => `${name}:${(single(request.headers[name]) ?? '').trim().replaceAll(/\s+/g, ' ')}\n`,
  );
  return [
    request.method,
    path,
    query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => (part.includes('=') ? part : `${part}=`))
      .sort()
      .join('&'),
    headers.join(''),
    scope.signedHeaders.join(';'),
    createHash('sha256').update(request.body).digest('hex'),
  ].join('\n');
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',');
}

function parseStamp(stamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp);
  if (match === null) {
    return undefined;
  }
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function toStamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
