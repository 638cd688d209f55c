export { KubernetesAccess, nobodyKnown } from './auth/index.ts';
export {
  Origins,
  startConnectorServer,
  type Answered,
  type Authenticator,
  type Mount,
} from './frame/index.ts';
export { ReplicaLeader, type OwnPort, type PeerKey } from './forward/index.ts';
export { startHealthServer } from './health.ts';
export { reportsMount, type OpenedReport, type ReportSource } from './reports/index.ts';
