import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { DirectoryUnavailableError } from '../src/idhub/index.ts';
import type { AwsConnection } from './api/v1alpha1/index.ts';
import type { Config } from './config.ts';
import type { HttpMetrics } from './http-metrics.ts';
import {
  Callers,
  CertificateFiles,
  defaultLimits,
  KubernetesAccess,
  OidcTokens,
  Origins,
  reportsMount,
  SecretCredentials,
  startConnectorServer,
  startHealthServer,
  type Connections,
  type ConnectorServer,
  type Mount,
} from './http/index.ts';
import { httpWarnings } from './http-config.ts';
import { Reports } from './reports.ts';
import type { Replicas } from './replicas.ts';
import type { Client, Clock, Informer, Logger, Manager } from './runtime/index.ts';

export interface PortsOptions {
  readonly config: Config;
  /** One that needs no leadership: any replica answers, and reviews of tokens change nothing. */
  readonly client: Client;
  readonly manager: Pick<Manager, 'healthy' | 'unready'>;
  /** What is wrong with what the API server serves, in a sentence. */
  readonly definitions: { readonly fault: string | undefined };
  readonly registry: Registry;
  readonly connections: Pick<Informer<AwsConnection>, 'get' | 'hasSynced'>;
  /** Of `--http-address`, beside `/reports`. */
  readonly mounts: readonly Mount[];
  /** Whoever does not lead hands requests on. */
  readonly replicas: Replicas;
  readonly metrics: HttpMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly protectSecret: (value: string) => void;
  readonly version: string;
  /** Of the process. Aborted: not ready any more, nothing new is taken, what is under way may end in the period of grace. */
  readonly signal: AbortSignal;
}

/**
 * The ports of the process: metrics and probes; IDHub and people.
 * @throws {Error} where one cannot be bound, or has no certificate
 */
export async function startPorts(options: PortsOptions): Promise<{ close(): Promise<void> }> {
  const { config, manager, registry, logger, version, signal } = options;
  const health = await startHealthServer({
    ...config.metricsAddress,
    registry,
    healthy: () => manager.healthy(),
    unready: () => unready(options),
  });
  logger.info('serving metrics and probes', { host: config.metricsAddress.host, port: health.port, version });
  try {
    const connector = await startHttp(options);
    const end = async (): Promise<void> => {
      await connector.close(signal.aborted ? config.gracePeriodMs : 0);
      options.replicas.leader.close();
    };
    signal.addEventListener('abort', () => void end(), { once: true });
    return {
      close: async () => {
        await end();
        await health.close();
      },
    };
  } catch (error) {
    await health.close();
    throw error;
  }
}

function unready({ definitions, manager, signal }: PortsOptions): string | undefined {
  if (definitions.fault !== undefined) {
    return definitions.fault;
  }
  if (signal.aborted) {
    return 'ending';
  }
  return manager.unready();
}

/** A caller may ask so many times its rate at once, after a rest. */
const burstOfRate = 4;

async function startHttp(options: PortsOptions): Promise<ConnectorServer> {
  const { config, client, clock, logger, metrics, protectSecret, replicas } = options;
  const { http } = config;
  httpWarnings(http, config.httpAddress.host).forEach((warning) => logger.warn(warning));
  const certificate =
    http.tls && (await CertificateFiles.open({ ...http.tls, clock, logger, news: metrics.certificate }));
  const secret =
    http.authSecret === undefined
      ? undefined
      : new SecretCredentials({
          client,
          secret: { namespace: config.namespace, name: http.authSecret },
          clock,
          logger,
          protectSecret,
        });
  // What is wrong with it is in the log before somebody asks.
  void secret?.current().catch(() => undefined);
  const mounts = [
    ...options.mounts,
    reportsMount({
      access: new KubernetesAccess({ client, clock }),
      reports: new Reports({ client, namespaces: config.watchNamespaces }),
    }),
  ];
  metrics.serves(mounts.map(({ name }) => name));
  const connector = await startConnectorServer({
    ...config.httpAddress,
    mounts,
    authenticator: new Callers({
      secret,
      oidc: http.oidc && new OidcTokens({ ...http.oidc, clock, logger, fetch }),
      clock,
      logger,
      countRefused: metrics.countRefusedLogin,
    }),
    connections: connectionsOf(options),
    leader: replicas.leader,
    origins: new Origins(http),
    clock,
    logger,
    makeId: randomUUID,
    observe: metrics.observeRequest,
    limits: {
      ...defaultLimits,
      perCaller: { burst: http.callerRate * burstOfRate, perSecond: http.callerRate },
    },
    certificate,
  });
  replicas.serves({ port: connector.port, certificate: () => certificate?.current.cert });
  logger.info('serving SCIM, connector endpoints, webhook and reports', {
    host: config.httpAddress.host,
    port: connector.port,
    tls: certificate !== undefined,
  });
  return connector;
}

function connectionsOf({ config, connections, definitions }: PortsOptions): Connections {
  return {
    default: config.http.defaultConnection,
    has: (connection) => {
      if (!connections.hasSynced) {
        throw definitions.fault === undefined
          ? new DirectoryUnavailableError('The connector has just started; ask again in a moment.', {
              retryAfterMs: 2_000,
            })
          : new DirectoryUnavailableError('The connector waits for its CRDs to be upgraded.', {
              retryAfterMs: 30_000,
            });
      }
      return connections.get(connection) !== undefined;
    },
  };
}
