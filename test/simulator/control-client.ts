import type {
  AccountDump,
  CallCounts,
  Control,
  FaultSpec,
  FaultState,
  Settings,
  UserDump,
  WriteRecord,
} from './types.ts';

/** The control surface of a simulator that runs in another process, over HTTP. Rejects on any other answer than 200. */
export class SimulatorControl implements Control {
  readonly #url: string;

  /** `url` is the simulator's address, such as `http://127.0.0.1:4566`. */
  constructor(url: string) {
    this.#url = `${url.replace(/\/+$/, '')}/_simulator`;
  }

  calls(): Promise<CallCounts> {
    return this.#get('/calls');
  }

  async resetCalls(): Promise<void> {
    await this.#send('DELETE', '/calls');
  }

  async reset(): Promise<void> {
    await this.#send('POST', '/reset', {});
  }

  writes(): Promise<readonly WriteRecord[]> {
    return this.#get('/writes');
  }

  fault(...specs: readonly FaultSpec[]): Promise<readonly FaultState[]> {
    return this.#send('POST', '/faults', specs);
  }

  faults(): Promise<readonly FaultState[]> {
    return this.#get('/faults');
  }

  async clearFaults(): Promise<void> {
    await this.#send('DELETE', '/faults');
  }

  async advanceClock(ms: number): Promise<number> {
    const { now } = await this.#send<{ now: number }>('POST', '/clock', { advanceMs: ms });
    return now;
  }

  async skewClock(ms: number): Promise<void> {
    await this.#send('POST', '/clock', { skewMs: ms });
  }

  async configure(settings: Settings): Promise<void> {
    await this.#send('POST', '/settings', settings);
  }

  account(account?: string): Promise<AccountDump> {
    return this.#get(`/accounts/${account ?? 'first'}`);
  }

  async user(userName: string, account?: string): Promise<UserDump | undefined> {
    const found = await this.#get<{ user?: UserDump }>(
      `/accounts/${account ?? 'first'}/users/${encodeURIComponent(userName)}`,
    );
    return found.user;
  }

  async checkPassword(userName: string, password: string, account?: string): Promise<boolean> {
    const { matches } = await this.#send<{ matches: boolean }>(
      'POST',
      `/accounts/${account ?? 'first'}/check-password`,
      { userName, password },
    );
    return matches;
  }

  async signIn(userName: string, password: string, account?: string): Promise<boolean> {
    const { signedIn } = await this.#send<{ signedIn: boolean }>(
      'POST',
      `/accounts/${account ?? 'first'}/sign-in`,
      { userName, password },
    );
    return signedIn;
  }

  #get<T>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} /_simulator${path}: ${response.status} ${text}`);
    }
    return JSON.parse(text) as T;
  }
}
