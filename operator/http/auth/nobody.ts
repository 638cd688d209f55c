import { Problem, type Authenticator } from '../frame/index.ts';

/** Where no credentials of callers are configured, nobody gets in. */
export const nobodyKnown: Authenticator = {
  authenticate: () =>
    Promise.reject(
      new Problem(
        503,
        'The connector knows no callers: start it with --http-auth-secret or --oidc-issuer and --oidc-audience.',
      ),
    ),
};
