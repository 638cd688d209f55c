import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlOverHttp } from './control-http.ts';
import { LocalControl } from './control.ts';
import { Front } from './front.ts';
import { Simulation } from './simulation.ts';
import type { Control, RunningSimulator, SimulatorOptions } from './types.ts';

const CONTROL = '/_simulator/';
/** More than any request of these APIs has. */
const MAX_BODY = 1_048_576;

/** Starts an AWS simulator on 127.0.0.1; resolves when it listens. Rejects when the port is taken. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const simulation = new Simulation(options);
  const front = new Front({ simulation, sleep: (ms) => sleep(ms) });
  const control = new LocalControl(simulation);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(front, control, request, response).catch((error: unknown) => {
      console.error('the simulator failed:', error);
      response.destroy();
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    accounts: simulation.world.admins,
    control,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  front: Front,
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  const { method = 'GET', url = '/' } = request;
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  if (url.startsWith(CONTROL)) {
    const reply = await controlOverHttp(control, method, url.slice(CONTROL.length), body.toString());
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
    return;
  }
  const reply = await front.handle({ method, path: url, headers: request.headers, body });
  if (reply.kind === 'drop') {
    request.socket.destroy();
    return;
  }
  response.writeHead(reply.status, {
    ...reply.headers,
    'content-length': String(Buffer.byteLength(reply.body)),
  });
  response.end(reply.body);
}

/** The body, or undefined when it is too long. A client that goes away rejects. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > MAX_BODY) {
      return undefined;
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
