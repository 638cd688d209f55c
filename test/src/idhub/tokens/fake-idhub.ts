import type { HttpAnswer, HttpRequest, SendHttp } from '../../../../src/idhub/tokens/index.ts';

/** A Keycloak with rotating refresh tokens and an IDHub behind it, as the link's port sees them. */
export class FakeIdhub {
  readonly requests: string[] = [];
  /** Answers in place of the real ones, by what is asked for; an Error is thrown. */
  readonly faults = new Map<string, HttpAnswer | Error>();
  rotates = true;
  refreshToken = 'refresh-0-canary';
  lifeSeconds = 300;
  info: unknown = { version: '4.2.1' };
  #issued = 0;
  #subject = '';
  #bearer = '';
  /** Held back until it resolves. */
  gate: Promise<void> = Promise.resolve();

  readonly send: SendHttp = async (request) => {
    const form = new URLSearchParams(request.body ?? '');
    const name =
      request.method === 'GET'
        ? new URL(request.url).pathname
        : (form.get('grant_type') ?? '').replace(/^.*:/, '');
    this.requests.push(name);
    await this.gate;
    const fault = this.faults.get(name);
    if (fault instanceof Error) {
      throw fault;
    }
    return fault ?? this.#answer(name, form, request);
  };

  #answer(name: string, form: URLSearchParams, request: HttpRequest): HttpAnswer {
    switch (name) {
      case 'refresh_token':
        return form.get('refresh_token') === this.refreshToken ? this.#tenant() : refused('invalid_grant');
      case 'password':
        return form.get('password') === 'password-canary' ? this.#tenant() : refused('invalid_grant');
      case 'client_credentials':
        return form.get('client_secret') === 'secret-canary'
          ? this.#tenant()
          : refused('unauthorized_client');
      case 'token-exchange':
        if (form.get('subject_token') !== this.#subject) {
          return refused('invalid_token');
        }
        this.#bearer = `bearer-${(this.#issued += 1)}-canary`;
        return answer(200, {
          access_token: this.#bearer,
          expires_in: this.lifeSeconds,
          refresh_token: 'other-canary',
        });
      default:
        if (request.headers['authorization'] !== `Bearer ${this.#bearer}`) {
          return answer(401, {});
        }
        return name === '/info' ? answer(200, this.info) : answer(200, []);
    }
  }

  revokeBearer(): void {
    this.#bearer = '';
  }

  #tenant(): HttpAnswer {
    this.#issued += 1;
    this.#subject = `subject-${this.#issued}-canary`;
    this.refreshToken = this.rotates ? `refresh-${this.#issued}-canary` : this.refreshToken;
    return answer(200, {
      access_token: this.#subject,
      expires_in: this.lifeSeconds,
      refresh_token: this.refreshToken,
    });
  }
}

export function answer(status: number, body: unknown, retryAfterMs?: number): HttpAnswer {
  return { status, retryAfterMs, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

function refused(error: string): HttpAnswer {
  return answer(400, { error, error_description: 'it is not taken' });
}
