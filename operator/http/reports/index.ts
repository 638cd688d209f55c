export { reportsMount } from './mount.ts';
export type { OpenedReport, ReportSource } from './reports.ts';
