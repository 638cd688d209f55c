import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly registry: Registry;
  /** False: the process should be restarted. */
  readonly healthy: () => boolean;
  /** Why it cannot work yet, or any more, in a sentence; undefined where it can. */
  readonly unready: () => string | undefined;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet. Readiness does not depend on
 * leadership: a replica that waits for the Lease is ready.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { registry } = options;
  const server: Server = createServer((request, response) => {
    const answer = (code: number, type: string, body: string): void => {
      response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const probe = (fault: string | undefined): void =>
      answer(fault === undefined ? 200 : 503, 'text/plain; charset=utf-8', `${fault ?? 'ok'}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(405, 'text/plain; charset=utf-8', 'only GET and HEAD\n');
      return;
    }
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        probe(options.healthy() ? undefined : 'to be restarted');
        return;
      case '/readyz':
        probe(options.unready());
        return;
      case '/metrics':
        registry.metrics().then(
          (text) => answer(200, registry.contentType, text),
          () => answer(500, 'text/plain; charset=utf-8', 'metrics could not be collected\n'),
        );
        return;
      default:
        answer(404, 'text/plain; charset=utf-8', 'try /metrics, /healthz or /readyz\n');
    }
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    },
  };
}
