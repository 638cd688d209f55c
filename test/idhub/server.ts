import { once } from 'node:events';
import {
  createServer,
  request as sendRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { StandInIssuer } from './issuer.ts';

/** IDHub's side of the connector: one host with Keycloak behind `/auth`, `TargetSystem` and `/info`. */
export interface IdhubServer {
  readonly url: string;
  /** What was asked for, as `GET /info 200`, in order; of token endpoints with the grant. */
  readonly requests: string[];
  /** Answers `TargetSystem` with this instead. */
  targetStatus: number | undefined;
  info: unknown;
  /** Undefined where Keycloak is a real one. */
  readonly issuer: StandInIssuer | undefined;
  close(): Promise<void>;
}

export interface IdhubServerOptions {
  /** Where Keycloak listens, on 127.0.0.1; undefined: a stand-in for it answers. */
  readonly keycloakPort: number | undefined;
  /** Whose tokens are taken. */
  readonly realm: string;
}

/** On 127.0.0.1. Takes bearer tokens of its realm, checked with the keys that Keycloak publishes. */
export async function startIdhubServer(options: IdhubServerOptions): Promise<IdhubServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${url}/auth/realms/${options.realm}`;
  const standIn = options.keycloakPort === undefined ? await StandInIssuer.make(`${url}/auth`) : undefined;
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`), {
    cooldownDuration: 0,
  });

  const idhub: IdhubServer = {
    url,
    requests,
    targetStatus: undefined,
    info: { version: '4.2.1' },
    issuer: standIn,
    close: () => close(server),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const body = await bodyOf(request);
    const grant = new URLSearchParams(body).get('grant_type')?.replace(/^.*:/, '');
    response.once('close', () =>
      requests.push(
        `${request.method} ${path} ${response.statusCode}${grant === undefined ? '' : ` ${grant}`}`,
      ),
    );
    if (path.startsWith('/auth/')) {
      if (standIn === undefined) {
        forward(request, response, body);
        return;
      }
      const told = await standIn.answer(path.slice('/auth'.length), new URLSearchParams(body));
      sendJson(response, told.status, told.body);
      return;
    }
    const known = path === '/api/dataservices/TargetSystem' || path === '/info';
    const status = !known ? 404 : (await isTaken(request.headers.authorization)) ? 200 : 401;
    const told = path === '/info' ? idhub.info : [{ name: 'AWS' }];
    const code = status === 200 && path !== '/info' ? (idhub.targetStatus ?? 200) : status;
    sendJson(response, code, code === 200 ? told : {});
  }

  async function isTaken(header: string | undefined): Promise<boolean> {
    try {
      await jwtVerify(/^Bearer (\S+)$/.exec(header ?? '')?.[1] ?? '', keys, { issuer, clockTolerance: 0 });
      return true;
    } catch {
      return false;
    }
  }

  /** The host of the request goes along: Keycloak issues tokens in its name. */
  function forward(request: IncomingMessage, response: ServerResponse, body: string): void {
    const onward = sendRequest(
      {
        host: '127.0.0.1',
        port: options.keycloakPort,
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent: false,
      },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
      },
    );
    onward.once('error', () => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<html>Bad Gateway</html>');
    });
    onward.end(body);
  }

  return idhub;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close').catch(() => undefined);
}
