export { Callers, KubernetesAccess, mayBeAsked, OidcTokens, SecretCredentials } from './auth/index.ts';
export { connectorMount, type ConnectorTarget, type Standing } from './connector/index.ts';
export {
  CertificateFiles,
  defaultLimits,
  noMount,
  Origins,
  startConnectorServer,
  type Answered,
  type CertificateNews,
  type Connections,
  type ConnectorServer,
  type Mount,
} from './frame/index.ts';
export { ReplicaLeader, type OwnPort, type PeerKey } from './forward/index.ts';
export { startHealthServer } from './health.ts';
export { reportsMount, type OpenedReport, type ReportSource } from './reports/index.ts';
export { scimMounts } from './scim/index.ts';
export { watchedDirectories, type WatchedDirectoriesOptions } from './shutouts.ts';
export { openApiMount } from './openapi/index.ts';
export { webhookMount } from './webhook/index.ts';
