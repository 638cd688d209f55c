import { unlessAborted } from '../../unless-aborted.ts';
import type { Clock } from '../../ports.ts';
import { jsonObject, unreachableBecause, type HttpAnswer, type SendHttp } from './http.ts';
import { compareInfo, type ResourceAttributes } from './info.ts';
import {
  afterStep,
  initialState,
  nextStep,
  pauseAfter,
  withoutTokens,
  type Step,
  type StepOutcome,
  type TokenRequestKind,
  type TokenState,
  type Trouble,
} from './machine.ts';
import { readSettings, secretsOf, type IdhubSettings } from './settings.ts';
import { requestTokens } from './token-request.ts';

export type LinkState = 'NOT_CONFIGURED' | 'UP' | 'DOWN' | 'OUT_OF_SERVICE' | 'UNKNOWN';

/** How it stands between the connector and IDHub. */
export interface LinkReport {
  readonly state: LinkState;
  /** For people; no secret in it. */
  readonly message: string;
  /** When IDHub was asked, milliseconds since the epoch. */
  readonly checkedAt: number | undefined;
  /** As IDHub tells it. */
  readonly version: string | undefined;
}

/** The connector's side of IDHub: signs in there, and knows how it stands. */
export interface IdhubLink {
  /** The last known. Costs nothing. */
  report(): LinkReport;
  /** Asks IDHub now, unless that was done a moment ago or must not be done yet. Never rejects but with the signal's reason. */
  check(signal: AbortSignal): Promise<LinkReport>;
}

/** The Secret with the settings. */
export interface LinkSecret {
  /** Read live; undefined where there is none. */
  read(signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * Puts `refreshToken` in the place of `previous`. Where somebody else has changed that entry meanwhile, theirs stays.
   * Resolves once one of them is kept.
   */
  save(
    refreshToken: string,
    previous: string | undefined,
    signal: AbortSignal,
  ): Promise<'saved' | 'superseded'>;
}

export type LinkRequest = TokenRequestKind | 'store' | 'target-system' | 'info';
export type LinkOutcome = 'ok' | Trouble['kind'];

export interface IdhubConnectionOptions {
  /** Undefined: IDHub is not configured. */
  readonly secret: LinkSecret | undefined;
  readonly send: SendHttp;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string, life?: 'passing') => void;
  /** Attributes that the connector has, to compare IDHub's with. */
  readonly resources: () => ResourceAttributes;
  readonly observe: (request: LinkRequest, outcome: LinkOutcome) => void;
  /** Whether this process is the one that may: nothing is sent while it is not. */
  readonly leads: () => boolean;
  /** Between two looks while all is well, a tenth more or less. */
  readonly intervalMs: number;
}

/** An answer of a moment ago is given again. */
const freshMs = 5_000;
const longestPauseMs = 60_000;
/** Steps to one token at the most: refresh, store, exchange, and once more where a token was short-lived. */
const mostSteps = 8;

/**
 * Only one process may have one of these that checks: refresh tokens rotate, and of two holders one would be
 * shut out. One check runs at a time, whoever asks.
 */
export class IdhubConnection implements IdhubLink {
  readonly #options: IdhubConnectionOptions;
  #report: LinkReport;
  #settings: IdhubSettings | undefined;
  #state: TokenState | undefined;
  /** The refresh token that the Secret has, as far as we know. */
  #stored: string | undefined;
  #running: Promise<LinkReport> | undefined;
  #closed = false;
  /** Looks in a row after which IDHub was not up. */
  #misses = 0;

  constructor(options: IdhubConnectionOptions) {
    this.#options = options;
    this.#report =
      options.secret === undefined
        ? told('NOT_CONFIGURED', 'IDHub is not configured: start the operator with --idhub-secret')
        : told('UNKNOWN', 'IDHub was not asked yet');
  }

  /** Never longer than what lies between two looks when all is well. */
  get #longestPauseMs(): number {
    return Math.min(longestPauseMs, this.#options.intervalMs);
  }

  report(): LinkReport {
    return this.#report;
  }

  /** When to look again, in milliseconds from now: soon after the first failure, then less and less often. */
  pauseMs(): number {
    const { clock, random, intervalMs } = this.#options;
    if (this.#misses === 0) {
      return intervalMs * (0.9 + random() / 5);
    }
    const pause = pauseAfter(this.#misses, this.#longestPauseMs);
    return Math.max(pause * (1 - random() / 2), (this.#state?.notBefore ?? 0) - clock.now());
  }

  async check(signal: AbortSignal): Promise<LinkReport> {
    const age = this.#options.clock.now() - (this.#report.checkedAt ?? -Infinity);
    return this.#running === undefined && age >= 0 && age < freshMs ? this.#report : this.look(signal);
  }

  /** As `check`, however fresh the last answer is. */
  async look(signal: AbortSignal): Promise<LinkReport> {
    const { secret, leads } = this.#options;
    if (this.#running === undefined && (secret === undefined || this.#closed || !leads())) {
      return this.#report;
    }
    // It ends on its own: whoever began it may leave, and a token that has rotated still gets to the Secret.
    this.#running ??= this.#ask(secret).finally(() => {
      this.#running = undefined;
    });
    return unlessAborted(this.#running, signal);
  }

  /** Begins nothing more; resolves when what is under way has come to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #ask(secret: LinkSecret | undefined): Promise<LinkReport> {
    const report =
      secret === undefined ? this.#report : await this.#answer(secret, new AbortController().signal);
    this.#misses = report.state === 'UP' || report.state === 'NOT_CONFIGURED' ? 0 : this.#misses + 1;
    this.#report = { ...report, checkedAt: this.#options.clock.now() };
    return this.#report;
  }

  async #answer(secret: LinkSecret, signal: AbortSignal): Promise<LinkReport> {
    const problem = await this.#configure(secret, signal);
    const settings = this.#settings;
    if (problem !== undefined || settings === undefined) {
      return problem ?? this.#report;
    }
    let found = await this.#withToken(secret, settings, signal);
    if (found === 'refused') {
      // Once more with new tokens: the old ones may have been revoked.
      this.#state = this.#state && withoutTokens(this.#state);
      found = await this.#withToken(secret, settings, signal);
    }
    return found === 'refused'
      ? told(
          'DOWN',
          `IDHub at ${host(settings)} does not take the token: check the entries of the exchange, and the rights of the service account`,
        )
      : found;
  }

  /** Reads the Secret; what it says counts from now on. A report where nothing can be done with it. */
  async #configure(secret: LinkSecret, signal: AbortSignal): Promise<LinkReport | undefined> {
    let entries: Readonly<Record<string, string>> | undefined;
    try {
      entries = await secret.read(signal);
    } catch {
      // The settings that are known still hold.
      return this.#settings === undefined
        ? told('UNKNOWN', 'the Secret of IDHub cannot be read now')
        : undefined;
    }
    if (entries === undefined) {
      this.#forget();
      return told('NOT_CONFIGURED', 'the Secret of IDHub (--idhub-secret) is not there');
    }
    for (const value of secretsOf(entries)) {
      // Read with each look, so that those in use are always among the last.
      this.#options.protectSecret(value, 'passing');
    }
    const outcome = readSettings(entries);
    if (outcome.kind === 'refused') {
      this.#forget();
      return told('NOT_CONFIGURED', `the Secret of IDHub cannot be used: ${outcome.problems.join('; ')}`);
    }
    if (this.#state === undefined || !this.#isKnown(outcome.settings)) {
      this.#state = initialState(outcome.settings);
    }
    this.#settings = outcome.settings;
    this.#stored = outcome.settings.refreshToken;
    return undefined;
  }

  /** Whether these are the settings that the state came from; the refresh token that we put there is no news. */
  #isKnown(settings: IdhubSettings): boolean {
    const { refreshToken, ...others } = settings;
    const { refreshToken: _, ...before } = this.#settings ?? settings;
    return refreshToken === this.#stored && JSON.stringify(others) === JSON.stringify(before);
  }

  #forget(): void {
    this.#settings = undefined;
    this.#state = undefined;
    this.#stored = undefined;
  }

  async #withToken(
    secret: LinkSecret,
    settings: IdhubSettings,
    signal: AbortSignal,
  ): Promise<LinkReport | 'refused'> {
    const token = await this.#token(secret, settings, signal);
    return typeof token === 'string' ? this.#visit(settings, token, signal) : told('DOWN', token.message);
  }

  async #token(secret: LinkSecret, settings: IdhubSettings, signal: AbortSignal): Promise<string | Trouble> {
    const { clock, random, observe, protectSecret } = this.#options;
    for (let steps = 0; steps < mostSteps; steps += 1) {
      const state = this.#state ?? initialState(settings);
      const step = nextStep(state, settings, clock.now());
      if (step.kind === 'use') {
        return step.bearer;
      }
      if (step.kind === 'wait') {
        return step.trouble;
      }
      const sentAt = clock.now();
      const outcome = await this.#take(step, state, secret, settings, signal);
      observe(
        step.kind === 'store' ? 'store' : step.request,
        outcome.kind === 'failed' ? outcome.trouble.kind : 'ok',
      );
      if (outcome.kind === 'tokens') {
        protectSecret(outcome.accessToken, 'passing');
        protectSecret(outcome.refreshToken ?? '', 'passing');
      }
      this.#state = afterStep(state, step, outcome, settings, {
        sentAt,
        now: clock.now(),
        random: random(),
        longestPauseMs: this.#longestPauseMs,
      });
      if (outcome.kind === 'stored') {
        this.#stored = state.refreshToken;
      }
    }
    return { kind: 'fault', message: 'Keycloak gives tokens that expire before they can be used' };
  }

  async #take(
    step: Extract<Step, { kind: 'store' | 'request' }>,
    state: TokenState,
    secret: LinkSecret,
    settings: IdhubSettings,
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    if (step.kind === 'request') {
      return requestTokens(step.request, state, settings, this.#options.send, signal);
    }
    try {
      // Theirs, where somebody put another one there meanwhile, is read with the next look.
      await secret.save(step.refreshToken, this.#stored, signal);
      return { kind: 'stored' };
    } catch {
      return {
        kind: 'failed',
        trouble: {
          kind: 'unstored',
          message:
            'the new refresh token cannot be written into the Secret of IDHub now; it is not used before',
        },
      };
    }
  }

  /** The two addresses that IDHub has for us. */
  async #visit(settings: IdhubSettings, token: string, signal: AbortSignal): Promise<LinkReport | 'refused'> {
    const get = (name: 'target-system' | 'info', url: string): Promise<HttpAnswer | LinkReport> =>
      this.#get(name, url, settings, token, signal);
    const target = await get('target-system', settings.targetSystemUrl);
    if ('state' in target) {
      return target;
    }
    const path = new URL(settings.targetSystemUrl).pathname;
    if (target.status === 401 || target.status === 403) {
      return 'refused';
    }
    if (target.status !== 200) {
      return told(
        target.status === 503 ? 'OUT_OF_SERVICE' : 'DOWN',
        `IDHub at ${host(settings)} answers ${target.status} to ${path}`,
      );
    }
    if (settings.infoUrl === undefined) {
      return told('UP', `IDHub at ${host(settings)} takes the token`);
    }
    const info = await get('info', settings.infoUrl);
    if ('state' in info) {
      return info;
    }
    const body = info.status === 200 ? jsonObject(info.body) : undefined;
    if (body === undefined) {
      return told(
        'UNKNOWN',
        `IDHub at ${host(settings)} takes the token, and what it answers to ${new URL(settings.infoUrl).pathname} (${info.status}) is no JSON object: nothing to compare with (entry infoPath)`,
      );
    }
    const { version, differences } = compareInfo(body, settings.versions, this.#options.resources());
    return differences.length > 0
      ? { ...told('UNKNOWN', differences.join('; ')), version }
      : { ...told('UP', `IDHub at ${host(settings)} takes the token`), version };
  }

  async #get(
    name: 'target-system' | 'info',
    url: string,
    settings: IdhubSettings,
    token: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer | LinkReport> {
    const { send, observe } = this.#options;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    try {
      const answer = await send({ method: 'GET', url, headers, ca: settings.ca }, signal);
      observe(name, outcomeOf(answer.status));
      return answer;
    } catch (error) {
      observe(name, 'unreachable');
      return told('DOWN', `IDHub at ${host(settings)} does not answer: ${unreachableBecause(error)}`);
    }
  }
}

function outcomeOf(status: number): LinkOutcome {
  if (status === 200) {
    return 'ok';
  }
  return status === 401 || status === 403 ? 'refused' : 'fault';
}

function told(state: LinkState, message: string): LinkReport {
  return { state, message, checkedAt: undefined, version: undefined };
}

function host(settings: IdhubSettings): string {
  return new URL(settings.targetSystemUrl).host;
}
