import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from '../cluster/index.ts';

/** Which requests are held, and whether before they reach the API server or after it has done them. */
export interface HoldSpec {
  readonly method: string;
  /** The path, without the query. */
  readonly path: RegExp;
  /** Lets so many pass first. */
  readonly after?: number;
  readonly when: 'before' | 'after';
}

interface Hold extends HoldSpec {
  passed: number;
  readonly reached: () => void;
}

/** Stands between an operator and the API server, and stops it at one chosen request. */
export interface Gate {
  /** For the operator, in place of its own. */
  readonly kubeconfigPath: string;
  /** Resolves when the request has come, and is held from then on. */
  hold(spec: HoldSpec): { readonly reached: Promise<void> };
  /** Holds nothing any more; who was held is not let go. */
  open(): void;
  /** Watches that are open say nothing any more, and stay open; new ones are as ever. @returns the paths of all that are mute */
  muteWatches(): readonly string[];
  stop(): Promise<void>;
}

/** @param kubeconfigPath of the operator, with a token */
export async function startGate(plane: ControlPlane, kubeconfigPath: string): Promise<Gate> {
  const target = new URL(plane.server);
  const ca = Buffer.from(plane.caData, 'base64');
  let holds: Hold[] = [];
  const watches = new Map<
    http.IncomingMessage,
    { readonly response: http.ServerResponse; readonly path: string }
  >();
  const held = (request: http.IncomingMessage): Hold | undefined =>
    holds.find((hold) => {
      if (request.method !== hold.method || !hold.path.test(request.url?.split('?')[0] ?? '')) {
        return false;
      }
      hold.passed += 1;
      return hold.passed > (hold.after ?? 0);
    });
  const server = http.createServer((request, response) => {
    const hold = held(request);
    if (hold?.when === 'before') {
      hold.reached();
      return;
    }
    const { method, url: path, headers } = request;
    const options = { method, path, headers, hostname: target.hostname, port: target.port };
    const forwarded = https.request({ ...options, ...(ca.length > 0 ? { ca } : {}) }, (answer) => {
      if (hold === undefined) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        // A watch without an event has begun, too.
        response.flushHeaders();
        answer.pipe(response);
        const { pathname, searchParams } = new URL(path ?? '', target);
        if (searchParams.has('watch')) {
          watches.set(answer, { response, path: pathname });
          answer.on('close', () => watches.delete(answer));
        }
      } else {
        answer.resume();
        hold.reached();
      }
    });
    // The operator is killed while it waits: what it asked for is done nevertheless, as behind a network.
    response.on('close', () => (hold === undefined ? forwarded.destroy() : undefined));
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = parse(await readFile(kubeconfigPath, 'utf8')) as { clusters: { cluster: object }[] };
  const folder = await mkdtemp(join(tmpdir(), 'idhub-gate-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  for (const each of config.clusters) {
    // Without it the client library talks to no server over plain HTTP.
    each.cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  }
  await writeFile(kubeconfig, stringify(config), { mode: 0o600 });
  return {
    kubeconfigPath: kubeconfig,
    hold: (spec) => {
      let reached = (): void => undefined;
      const promise = new Promise<void>((resolve) => {
        reached = resolve;
      });
      holds.push({ ...spec, passed: 0, reached });
      return { reached: promise };
    },
    open: () => {
      holds = [];
    },
    muteWatches: () => {
      for (const [answer, { response }] of watches) {
        answer.unpipe(response);
        answer.resume();
      }
      return Array.from(watches.values(), (watch) => watch.path);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
