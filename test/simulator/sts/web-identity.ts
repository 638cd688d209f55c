import { AwsError } from '../errors.ts';

export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: readonly string[];
}

const invalid = (message: string): AwsError => new AwsError('InvalidIdentityToken', message);

/** The claims of a web identity token. Its signature is not looked at: no key of an issuer is at hand. */
export function readClaims(token: string, now: number): Claims {
  const [, payload] = token.split('.');
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as typeof claims;
  } catch {
    throw invalid(
      'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
    );
  }
  const { iss, sub, aud, exp } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string') {
    throw invalid('Missing a required claim: iss or sub');
  }
  if (typeof exp !== 'number') {
    throw invalid('Missing a required claim: exp');
  }
  if (exp * 1000 <= now) {
    throw new AwsError(
      'ExpiredTokenException',
      `Token expired: current date/time ${Math.floor(now / 1000)} must be before the expiration date/time ${exp}`,
    );
  }
  return { issuer: iss, subject: sub, audience: Array.isArray(aud) ? aud.map(String) : [String(aud)] };
}
