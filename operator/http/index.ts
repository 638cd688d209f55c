export { KubernetesAccess } from './access.ts';
export { startConnectorServer } from './connector.ts';
export { startHealthServer } from './health.ts';
export type { OpenedReport, ReportSource } from './reports.ts';
