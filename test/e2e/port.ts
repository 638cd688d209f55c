import { eventually, type StartedProcess } from '../support/process.ts';
import { systemNamespace, type World } from './world.ts';

/** Where a process of the operator answers IDHub and people. */
export async function portUrl(operator: StartedProcess): Promise<string> {
  const line = await operator.line((each) => each.includes('serving SCIM'));
  const { port, tls } = JSON.parse(line) as { port: number; tls: boolean };
  return `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
}

/** Writes the Secret of callers, all of it; undefined takes it away. Its namespace is everybody's: each suite has a name of its own. */
export async function writeCallers(
  world: World,
  name: string,
  entries: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  if (entries === undefined) {
    await world.kubectl(['delete', 'secret', name, '-n', systemNamespace, '--ignore-not-found']);
    return;
  }
  const encoded = Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: systemNamespace, name },
    data: Object.fromEntries(encoded) as object,
  });
}

export const scimJson = 'application/scim+json';

/** A client of the port with one way to say who it is. */
export class PortClient {
  readonly url: string;
  readonly #authorization: string;

  constructor(options: { readonly url: string; readonly authorization: string }) {
    this.url = options.url;
    this.#authorization = options.authorization;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: this.#authorization,
        ...(body === undefined
          ? {}
          : { 'content-type': path.includes('/scim/') ? scimJson : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

/** Waits until lists are told: before the first reading, and while one is stale, they are 503. */
export async function untilListed(client: PortClient, path = '/scim/v2/Account?count=1'): Promise<void> {
  await eventually(async () => ((await client.send('GET', path)).status === 200 ? true : undefined), {
    withinMs: 30_000,
    everyMs: 200,
    what: 'lists to be told',
  });
}
