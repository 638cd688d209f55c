export { CertificateFiles, type CertificateNews } from './certificate.ts';
export { faultOf } from './faults.ts';
export { Expiring } from './expiring.ts';
export { Buckets, type Rate } from './limits.ts';
export type { Caller, Handler, Method, Mount, Route, Visit } from './mount.ts';
export {
  defaultLimits,
  noMount,
  type Answered,
  type Authenticator,
  type Connections,
  type Forwarded,
  type Leader,
  type Limits,
} from './options.ts';
export { Origins } from './origins.ts';
export { Problem, type ErrorFormat } from './problem.ts';
export { routerOf } from './routes.ts';
export { startConnectorServer, type ConnectorServer, type ConnectorServerOptions } from './server.ts';
export type { OngoingVisit } from './visits.ts';
