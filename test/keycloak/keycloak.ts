import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalComponent } from '../cluster/component.ts';
import { Guard } from '../cluster/guard.ts';
import { ensureRunDir } from '../cluster/statedir.ts';
import { eventually, freePort } from '../support/process.ts';
import { administrator, ensureKeycloak } from './distribution.ts';
import { javaArguments, linkHome } from './server.ts';

export interface TokenAnswer {
  readonly status: number;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly expires_in?: number;
  readonly error?: string;
  readonly error_description?: string;
}

/** Asks the token endpoint of a realm. @param url where Keycloak is reached: the token is issued in its name */
export async function requestToken(
  url: string,
  realm: string,
  form: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const response = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

/** A real Keycloak on 127.0.0.1. It ends with this process, however that ends. */
export interface Keycloak {
  /** With the path, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The administrator's REST interface; the answer's JSON, or undefined where there is none. */
  admin<T = unknown>(method: string, path: string, body?: object): Promise<T>;
  /** SIGTERM: what was asked for is in its database. */
  stop(): Promise<void>;
  /** On the same port, with the same data. */
  start(): Promise<void>;
  /** Ends it for good and removes its data. */
  close(): Promise<void>;
}

/** Starts one with its own data, ready to answer. @param log hears what takes long */
export async function startKeycloak(options: { readonly log: (line: string) => void }): Promise<Keycloak> {
  const distribution = await ensureKeycloak({ environment: process.env, log: options.log });
  const stateDir = await mkdtemp(join(ensureRunDir(), 'keycloak-'));
  const guard = new Guard(stateDir);
  const home = join(stateDir, 'home');
  await linkHome(distribution, home);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/auth`;
  const server = new LocalComponent({
    name: 'Keycloak',
    command: 'java',
    args: javaArguments(home, [
      'start',
      '--optimized',
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      '--hostname-strict=false',
      '--log-level=warn',
    ]),
    logFile: join(stateDir, 'keycloak.log'),
    ready: async () => (await statusOf(`${url}/realms/master`)) === 200,
    onChange: () => guard.watch(server.running ? [server.pid] : []),
    startWithinMs: 150_000,
  });
  try {
    await server.start();
  } catch (error) {
    guard.dismiss();
    await rm(stateDir, { recursive: true, force: true });
    throw error;
  }
  return new LocalKeycloak({ url, port, server, guard, stateDir });
}

class LocalKeycloak implements Keycloak {
  readonly url: string;
  readonly port: number;
  readonly #server: LocalComponent;
  readonly #guard: Guard;
  readonly #stateDir: string;
  #session: { readonly token: string; readonly until: number } | undefined;

  constructor(options: {
    url: string;
    port: number;
    server: LocalComponent;
    guard: Guard;
    stateDir: string;
  }) {
    this.url = options.url;
    this.port = options.port;
    this.#server = options.server;
    this.#guard = options.guard;
    this.#stateDir = options.stateDir;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** Signing in costs a password hash: once for the minute that the token lives. */
  async #administrator(): Promise<string> {
    if (this.#session === undefined || performance.now() > this.#session.until) {
      const until = performance.now() + 40_000;
      const { access_token: token = '' } = await requestToken(this.url, 'master', {
        grant_type: 'password',
        client_id: 'admin-cli',
        ...administrator,
      });
      this.#session = { token, until };
    }
    return this.#session.token;
  }

  async admin<T>(method: string, path: string, body?: object): Promise<T> {
    const token = await this.#administrator();
    const response = await fetch(`${this.url}/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    }
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async stop(): Promise<void> {
    this.#session = undefined;
    if (this.#server.running) {
      process.kill(this.#server.pid, 'SIGTERM');
      await eventually(() => (this.#server.running ? undefined : true), { what: 'the end of Keycloak' });
    }
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  async close(): Promise<void> {
    await this.#server.stop();
    this.#guard.dismiss();
    await rm(this.#stateDir, { recursive: true, force: true });
  }
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
