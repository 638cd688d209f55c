import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { keyString } from '../../runtime/index.ts';
import type { Access } from '../auth/index.ts';
import { routerOf, type Handler, type Mount } from '../frame/index.ts';
import { callerOf, openReport, parseReportRequest, requireReader, type ReportSource } from './reports.ts';

export interface ReportsMountOptions {
  readonly access: Access;
  readonly reports: ReportSource;
}

/** `GET /reports/{namespace}/{name}`, for whoever may get `awsreconciliations/report` there. */
export function reportsMount({ access, reports }: ReportsMountOptions): Mount {
  const answer: Handler = async (request, response, visit) => {
    const { namespace, name } = request.params;
    const asked = parseReportRequest({ namespace: String(namespace), name: String(name) }, request.query);
    visit.note({ run: keyString(asked.run) });
    const { signal } = visit;
    const caller = await callerOf(access, request.headers.authorization, signal);
    visit.note({ caller: caller.name });
    await requireReader(access, caller, asked.run, signal);
    visit.admit(caller.name);
    const report = await openReport(reports, asked, signal);
    const zipped = request.acceptsEncodings('gzip', 'identity') === 'gzip';
    response.status(200).set({
      'content-type': 'application/x-ndjson; charset=utf-8',
      vary: 'Accept-Encoding',
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    });
    if (request.method === 'HEAD') {
      report.destroy();
      response.end();
      return;
    }
    await (zipped
      ? pipeline(report, createGzip(), response, { signal })
      : pipeline(report, response, { signal }));
  };
  return {
    name: 'reports',
    path: '/reports',
    perConnection: false,
    access: 'reports',
    format: 'problem+json',
    bodyLimit: 0,
    mediaTypes: [],
    leaderOnly: false,
    router: routerOf([{ path: '/:namespace/:name', GET: answer }]),
  };
}
