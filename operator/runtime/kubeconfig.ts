import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from './clock.ts';

/** Where the API server is and how to speak to it as somebody. */
export interface Access {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** One agent, with its pool of connections, for each content of certificates and proxy. */
  readonly agent: http.Agent;
  /** The namespace of the context or of the ServiceAccount. */
  readonly namespace: string | undefined;
}

export interface AccessSource {
  /** What to use now; read again when it is older than 45 s. */
  access(): Promise<Access>;
  /** What to use instead of `stale`, which the server refused. */
  refresh(stale: Access): Promise<Access>;
  /** Closes pooled connections. */
  close(): void;
}

/** client-go reads token files again each minute (transport/token_source.go). */
const rereadMs = 45_000;

const agentOptions = {
  keepAlive: true,
  /** Time without traffic until TCP asks whether the peer lives. */
  keepAliveMsecs: 30_000,
  maxFreeSockets: 16,
  /** An idle pooled connection is closed after this; a busy one is left alone. */
  timeout: 60_000,
  scheduling: 'lifo',
} as const;

function load(options: KubeconfigOptions): KubeConfig {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) {
    config.loadFromDefault();
  } else {
    config.loadFromFile(options.kubeconfig);
  }
  if (options.context !== undefined) {
    config.setCurrentContext(options.context);
  }
  return config;
}

export interface KubeconfigOptions {
  /** A file; without it KUBECONFIG, ~/.kube/config or the pod's ServiceAccount. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/**
 * Reads a kubeconfig or the pod's ServiceAccount through the official client, which knows exec
 * plugins, OIDC and the rest. Proxy variables are not heeded, the kubeconfig's `proxy-url` is.
 */
export function createAccessSource(
  options: KubeconfigOptions & { readonly clock: Pick<Clock, 'monotonic'> },
): AccessSource {
  const agents = new Map<string, http.Agent>();
  let config: KubeConfig | undefined;
  let current: { readonly at: number; readonly access: Promise<Access> } | undefined;

  const agentFor = (server: URL, tls: https.RequestOptions, proxyUrl: string | undefined) => {
    const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = tls;
    const content = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
    const digest = createHash('sha256')
      .update(JSON.stringify([server.origin, content, proxyUrl]))
      .digest('base64');
    const known = agents.get(digest);
    if (known !== undefined) {
      return known;
    }
    let agent: http.Agent;
    if (proxyUrl === undefined) {
      const set = Object.entries(content).filter(([, value]) => value !== undefined);
      agent =
        server.protocol === 'https:'
          ? new https.Agent({ ...agentOptions, ...Object.fromEntries(set) })
          : new http.Agent(agentOptions);
    } else {
      agent = tls.agent as http.Agent;
      Object.assign(agent, { keepAlive: true, keepAliveMsecs: agentOptions.keepAliveMsecs });
    }
    for (const [stale, old] of agents) {
      agents.delete(stale);
      retire(old);
    }
    agents.set(digest, agent);
    return agent;
  };

  const read = async (): Promise<Access> => {
    // Parsed anew unless a plugin's own cache, which knows when its credentials end, would be lost.
    const known = config?.getCurrentUser();
    const plugin =
      known !== null &&
      known !== undefined &&
      (known.exec ?? known.authProvider) &&
      tokenFileOf(known) === undefined;
    config = config !== undefined && plugin === true ? config : load(options);
    const cluster = config.getCurrentCluster();
    if (cluster === null) {
      throw new Error('the kubeconfig names no cluster for its current context');
    }
    const tls: https.RequestOptions = {};
    await config.applyToHTTPSOptions(tls);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(tls.headers ?? {})) {
      headers[name.toLowerCase()] = String(value).trim();
    }
    const user = config.getCurrentUser();
    const tokenFile = user === null ? undefined : tokenFileOf(user);
    if (tokenFile !== undefined) {
      headers['authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    }
    if (typeof tls.auth === 'string' && headers['authorization'] === undefined) {
      headers['authorization'] = `Basic ${Buffer.from(tls.auth).toString('base64')}`;
    }
    const server = new URL(cluster.server);
    const context = config.getContextObject(config.getCurrentContext());
    return {
      server,
      headers,
      agent: agentFor(server, tls, cluster.proxyUrl ?? undefined),
      namespace: context?.namespace?.trim(),
    };
  };

  const reread = (fallback: Promise<Access> | undefined): Promise<Access> => {
    // Half-written files heal: what worked before is used until the next read.
    const access = read().catch((error: unknown) => {
      if (fallback === undefined) {
        throw error;
      }
      return fallback;
    });
    const mine = { at: options.clock.monotonic(), access };
    current = mine;
    access.catch(() => {
      current = current === mine ? undefined : current;
    });
    return access;
  };

  return {
    access: () =>
      current === undefined || options.clock.monotonic() - current.at > rereadMs
        ? reread(current?.access)
        : current.access,
    refresh: async (stale) => {
      if (current !== undefined && (await current.access) !== stale) {
        return current.access;
      }
      config = undefined;
      return reread(undefined);
    },
    close: () => {
      for (const agent of agents.values()) {
        agent.destroy();
      }
      agents.clear();
    },
  };
}

function tokenFileOf(user: { readonly authProvider?: unknown }): string | undefined {
  const provider = user.authProvider as { config?: { tokenFile?: unknown } } | null | undefined;
  const file = provider?.config?.tokenFile;
  return typeof file === 'string' ? file : undefined;
}

/** Lets running requests end and keeps none of their connections. */
function retire(agent: http.Agent): void {
  Object.assign(agent, { keepAlive: false, maxFreeSockets: 0 });
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) {
      socket.destroy();
    }
  }
}
