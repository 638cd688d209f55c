import type { Request, Response } from 'express';
import { noMount, type AppOptions } from './options.ts';
import type { OngoingVisit } from './visits.ts';

const longestPath = 400;

/** What is written at the end of a visit: a line of the log, one of the audit log if something was to be written, a count. */
export function closeOf(
  request: Request,
  response: Response,
  visit: OngoingVisit,
  { clock, logger, observe }: Pick<AppOptions, 'clock' | 'logger' | 'observe'>,
): () => void {
  const from = clock.monotonic();
  const { method } = request;
  const path = request.path.slice(0, longestPath);
  return () => {
    const took = clock.monotonic() - from;
    const whole = response.writableFinished;
    const { statusCode: code } = response;
    const about = { id: visit.id, method, path, code, whole, address: visit.address };
    observe({ mount: visit.mount ?? noMount, code, seconds: took / 1_000 });
    logger.info('request', { ...about, mount: visit.mount, ms: Math.round(took), ...visit.notes });
    if (visit.writes) {
      logger.info('audit', { ...about, result: resultOf(code), ...visit.notes });
    }
  };
}

function resultOf(code: number): string {
  if (code < 300) {
    return 'done';
  }
  return code < 500 ? 'refused' : 'failed';
}
