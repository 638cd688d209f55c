import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import express, { type NextFunction, type Request, type Response } from 'express';
import { keyString, type Clock, type Logger } from '../runtime/index.ts';
import type { Access } from './access.ts';
import { CallerLeft, faultOf } from './faults.ts';
import { Buckets, Places, type Rate } from './limits.ts';
import { Problem, problemBody, problemHeaders } from './problem.ts';
import { callerOf, openReport, parseReportRequest, requireReader, type ReportSource } from './reports.ts';

/** How much the port bears. */
export interface ConnectorLimits {
  /** Requests from one address, before it is known who asks. */
  readonly perAddress: Rate;
  /** Requests of one caller. */
  readonly perCaller: Rate;
  /** Requests under way at once, of all. */
  readonly atOnce: number;
  /** Requests under way at once, of one caller. */
  readonly atOncePerCaller: number;
  /** Until an answer has begun, ms. */
  readonly answerMs: number;
  /** The whole of an answer, ms. */
  readonly streamMs: number;
  /** Without a byte for this long a connection is ended, ms. */
  readonly idleMs: number;
  /** Until the head of a request is there, ms. */
  readonly headersMs: number;
}

export const defaultLimits: ConnectorLimits = {
  // A port-forward and a proxy are one address for all who come through them.
  perAddress: { burst: 200, perSecond: 50 },
  perCaller: { burst: 50, perSecond: 5 },
  atOnce: 64,
  atOncePerCaller: 4,
  answerMs: 20_000,
  streamMs: 600_000,
  idleMs: 30_000,
  headersMs: 5_000,
};

const maxUrlLength = 2_048;

export interface AppOptions {
  readonly access: Access;
  readonly reports: ReportSource;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
  /** Called at the end of each request. */
  readonly observe: (code: number) => void;
  readonly limits: ConnectorLimits;
  /** Aborted: nothing new is taken. */
  readonly closing: AbortSignal;
}

/** What is known of a request at its end, for the log. */
interface Note {
  caller?: string;
  run?: string;
  /** Why it was not answered. */
  detail?: string;
}

/** A request from its beginning to its end. */
class Visit {
  readonly note: Note = {};
  #ends: (() => void)[] | undefined = [];

  /** Done once nobody waits for the answer any more; at once where that is so already. */
  onEnd(act: () => void): void {
    if (this.#ends === undefined) {
      act();
    } else {
      this.#ends.push(act);
    }
  }

  end(): void {
    const ends = this.#ends ?? [];
    this.#ends = undefined;
    ends.forEach((act) => act());
  }
}

/** What the port answers. */
export function makeApp(options: AppOptions): express.Express {
  const { clock, limits, logger, closing } = options;
  const addresses = new Buckets({ clock, rate: limits.perAddress });
  const callers = new Buckets({ clock, rate: limits.perCaller });
  const places = new Places({ most: limits.atOnce });
  const callersPlaces = new Places({ most: limits.atOncePerCaller });
  const visits = new WeakMap<Response, Visit>();
  const visitOf = (response: Response): Visit => visits.get(response) ?? new Visit();

  const answerReport = async (
    request: Request<{ namespace: string; name: string }>,
    response: Response,
  ): Promise<void> => {
    const visit = visitOf(response);
    const { note } = visit;
    const asked = parseReportRequest(request.params, request.query);
    note.run = keyString(asked.run);
    const { signal, began } = lifetimeOf(visit, options);
    const caller = await callerOf(options.access, request.headers.authorization, signal);
    note.caller = caller.name;
    await requireReader(options.access, caller, asked.run, signal);
    limitRate(callers, caller.name);
    const place = callersPlaces.take(caller.name);
    if (place === undefined) {
      throw new Problem(429, `One caller has ${limits.atOncePerCaller} requests at once at most.`, {
        retryAfter: 1,
      });
    }
    visit.onEnd(place);
    const report = await openReport(options.reports, asked, signal);
    began();
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

  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('strict routing', true);

  app.use((request, response, next) => {
    const from = clock.monotonic();
    const visit = new Visit();
    visits.set(response, visit);
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (closing.aborted) {
      response.set('connection', 'close');
    }
    response.once('close', () => {
      visit.end();
      options.observe(response.statusCode);
      logger.info('request', {
        method: request.method,
        path: request.path.slice(0, 400),
        code: response.statusCode,
        whole: response.writableFinished,
        address: request.socket.remoteAddress,
        ms: Math.round(clock.monotonic() - from),
        ...visit.note,
      });
    });
    next();
  });
  app.use((request, response, next) => {
    const place = places.take('');
    if (place === undefined || closing.aborted) {
      place?.();
      throw new Problem(503, 'The connector is busy, or ends.', { retryAfter: 1 });
    }
    visitOf(response).onEnd(place);
    limitRate(addresses, request.socket.remoteAddress ?? '');
    if (request.url.length > maxUrlLength) {
      throw new Problem(414, `Path and query have ${maxUrlLength} characters at most.`);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new Problem(405, 'There are GET and HEAD.', { headers: { allow: 'GET, HEAD' } });
    }
    if (
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0
    ) {
      throw new Problem(413, 'A request has no body here.', { headers: { connection: 'close' } });
    }
    next();
  });
  app.get('/reports/:namespace/:name', (request, response, next) => {
    answerReport(request, response).catch(next);
  });
  app.use(() => {
    throw new Problem(404, 'There is /reports/{namespace}/{name}.');
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const { problem, fault } = faultOf(error);
    const { note } = visitOf(response);
    note.detail = problem.message;
    if (fault) {
      logger.error('a request could not be answered', { run: note.run, error });
    }
    if (response.headersSent || response.closed) {
      // Broken off, so that nobody takes what they have for the whole.
      response.destroy();
      return;
    }
    response.removeHeader('content-encoding');
    response.writeHead(problem.status, problemHeaders(problem));
    response.end(problemBody(problem));
  });
  return app;
}

/** @throws {Problem} 429 */
function limitRate(buckets: Buckets, name: string): void {
  const wait = buckets.take(name);
  if (wait > 0) {
    throw new Problem(429, 'Too many requests in a short time.', { retryAfter: wait });
  }
}

/** A signal for the work of an answer: aborts when nobody waits for it any more, and at its limits. */
function lifetimeOf(
  visit: Visit,
  { clock, limits }: AppOptions,
): { readonly signal: AbortSignal; began: () => void } {
  const stop = new AbortController();
  const slow = new Problem(503, 'The API server did not answer in time.', { retryAfter: 5 });
  const cancelBegin = clock.setTimeout(() => stop.abort(slow), limits.answerMs);
  const cancelEnd = clock.setTimeout(
    () => stop.abort(new Error('the answer took too long')),
    limits.streamMs,
  );
  visit.onEnd(() => {
    cancelBegin();
    cancelEnd();
    stop.abort(new CallerLeft());
  });
  return { signal: stop.signal, began: cancelBegin };
}
