import type { IdhubSettings } from './settings.ts';

/**
 * What to do next to get a token that IDHub takes, and what is known after it was tried. Pure.
 *
 * offline token -> access token of the tenant's realm -> exchanged token of IDHub's realm (RFC 8693)
 *
 * A refresh may bring a new refresh token in place of the old one, which may be worth nothing from then on
 * (RFC 6749, section 6). So the new one is stored before anything else is done with the answer.
 */

/** A token and until when it is used: a little before it expires. */
export interface HeldToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly usableUntil: number;
}

/** Why there is no token; the message is for people and holds no secret. */
export interface Trouble {
  /**
   * refused: somebody says no, and it takes a person to change that; unreachable: no answer; fault: an answer that is no
   * help; unstored: a new refresh token could not be kept.
   */
  readonly kind: 'refused' | 'unreachable' | 'fault' | 'unstored';
  readonly message: string;
  /** How long the other side asks to be left alone. */
  readonly retryAfterMs?: number;
}

export interface TokenState {
  readonly refreshToken: string | undefined;
  /** It came in an answer and is not in the Secret yet. */
  readonly unstored: boolean;
  /** It was refused, and there is another way to sign in. */
  readonly spent: boolean;
  /** Of the tenant's realm. */
  readonly subject: HeldToken | undefined;
  /** What IDHub takes. */
  readonly bearer: HeldToken | undefined;
  readonly failures: number;
  /** Nothing is sent before, milliseconds since the epoch. */
  readonly notBefore: number;
  readonly trouble: Trouble | undefined;
}

/** Requests to a token endpoint. */
export type TokenRequestKind = 'refresh' | 'login' | 'credentials' | 'exchange';

export type Step =
  | { readonly kind: 'use'; readonly bearer: string }
  | { readonly kind: 'wait'; readonly until: number; readonly trouble: Trouble }
  | { readonly kind: 'store'; readonly refreshToken: string }
  | { readonly kind: 'request'; readonly request: TokenRequestKind };

export type StepOutcome =
  | {
      readonly kind: 'tokens';
      readonly accessToken: string;
      /** From when the request was sent. */
      readonly expiresInMs: number;
      readonly refreshToken: string | undefined;
    }
  | { readonly kind: 'stored' }
  | { readonly kind: 'failed'; readonly trouble: Trouble };

/** The first pause after a failure; each further one is twice as long. A random part of up to a half is taken off. */
export const firstPauseMs = 1_000;

export function initialState(settings: Pick<IdhubSettings, 'refreshToken'>): TokenState {
  return {
    refreshToken: settings.refreshToken,
    unstored: false,
    spent: false,
    subject: undefined,
    bearer: undefined,
    failures: 0,
    notBefore: 0,
    trouble: undefined,
  };
}

export function nextStep(state: TokenState, settings: IdhubSettings, now: number): Step {
  const waiting = now < state.notBefore && state.trouble !== undefined;
  const wait = { kind: 'wait', until: state.notBefore, trouble: state.trouble } as Step;
  if (state.unstored && state.refreshToken !== undefined) {
    return waiting ? wait : { kind: 'store', refreshToken: state.refreshToken };
  }
  const bearer = settings.exchange === undefined ? state.subject : state.bearer;
  if (bearer !== undefined && now < bearer.usableUntil) {
    return { kind: 'use', bearer: bearer.token };
  }
  if (waiting) {
    return wait;
  }
  if (state.subject !== undefined && now < state.subject.usableUntil) {
    return { kind: 'request', request: 'exchange' };
  }
  if (state.refreshToken !== undefined && !state.spent) {
    return { kind: 'request', request: 'refresh' };
  }
  return { kind: 'request', request: settings.login === undefined ? 'credentials' : 'login' };
}

/**
 * @param sentAt when the step began: a token's life is counted from there, which is never too long
 * @param now when its outcome was known
 * @param random from 0 up to 1
 * @param longestPauseMs after failures, however many they are
 */
export function afterStep(
  state: TokenState,
  step: Extract<Step, { kind: 'store' | 'request' }>,
  outcome: StepOutcome,
  settings: IdhubSettings,
  time: {
    readonly sentAt: number;
    readonly now: number;
    readonly random: number;
    readonly longestPauseMs: number;
  },
): TokenState {
  switch (outcome.kind) {
    case 'failed':
      return failed(state, step, outcome.trouble, settings, time);
    case 'stored':
      return { ...state, unstored: false, ...calm };
    case 'tokens': {
      const held = {
        token: outcome.accessToken,
        usableUntil: time.sentAt + outcome.expiresInMs - Math.min(30_000, outcome.expiresInMs / 5),
      };
      if (step.kind === 'request' && step.request === 'exchange') {
        return { ...state, bearer: held, ...calm };
      }
      const { refreshToken } = outcome;
      // With client_credentials there is nothing to keep: the secret of the client brings the next one.
      const kept =
        refreshToken === undefined || (step.kind === 'request' && step.request === 'credentials')
          ? state.refreshToken
          : refreshToken;
      return {
        ...state,
        refreshToken: kept,
        unstored: kept !== state.refreshToken,
        spent: kept === state.refreshToken && state.spent,
        subject: held,
        bearer: undefined,
        ...calm,
      };
    }
  }
}

/** IDHub did not take the token: whatever led to it is asked for anew. */
export function withoutTokens(state: TokenState): TokenState {
  return { ...state, subject: undefined, bearer: undefined };
}

/** Before a random part is taken off. @param failures in a row, at least one */
export function pauseAfter(failures: number, longestMs: number): number {
  return Math.min(longestMs, firstPauseMs * 2 ** Math.min(failures - 1, 20));
}

const calm = { failures: 0, notBefore: 0, trouble: undefined } as const;

function failed(
  state: TokenState,
  step: Extract<Step, { kind: 'store' | 'request' }>,
  trouble: Trouble,
  settings: IdhubSettings,
  time: { readonly now: number; readonly random: number; readonly longestPauseMs: number },
): TokenState {
  const request = step.kind === 'request' ? step.request : undefined;
  if (request === 'refresh' && trouble.kind === 'refused' && settings.login !== undefined) {
    // The service account can sign in anew, at once.
    return { ...state, spent: true, subject: undefined, bearer: undefined };
  }
  const pause = pauseAfter(state.failures + 1, time.longestPauseMs);
  return {
    ...state,
    // What was refused may be the tenant's token: the next try starts from the beginning.
    subject: request === 'exchange' && trouble.kind === 'refused' ? undefined : state.subject,
    failures: state.failures + 1,
    notBefore: time.now + Math.max(pause * (1 - time.random / 2), trouble.retryAfterMs ?? 0),
    trouble,
  };
}
