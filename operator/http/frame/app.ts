import express, { type NextFunction, type Request, type Response } from 'express';
import { keyString } from '../../runtime/index.ts';
import { hasBody, parseJson, readBody } from './body.ts';
import { connectionFor, lacksConnection } from './connections.ts';
import { CallerLeft, faultOf } from './faults.ts';
import { Buckets, Places } from './limits.ts';
import { placeOf } from './mounts.ts';
import type { AppOptions } from './options.ts';
import { Problem, problemBody, problemHeaders } from './problem.ts';
import { closeOf } from './record.ts';
import { OngoingVisit, visitOf } from './visits.ts';

const maxUrlLength = 8_192;

/** What the port answers: limits, who asks, bodies, errors and log lines around what the mounts say. */
export function makeApp(options: AppOptions): express.Express {
  const { clock, limits, logger, closing, mounts, origins } = options;
  const addresses = new Buckets({ clock, rate: limits.perAddress });
  const callers = new Buckets({ clock, rate: limits.perCaller });
  const places = new Places({ most: limits.atOnce });
  const callersPlaces = new Places({ most: limits.atOncePerCaller });
  const there = mounts.map(({ path }) => path).join(', ');

  const admit = (name: string, visit: OngoingVisit): void => {
    limitRate(callers, name);
    const place = callersPlaces.take(name);
    if (place === undefined) {
      throw new Problem(429, `One caller has ${limits.atOncePerCaller} requests at once at most.`, {
        retryAfter: 1,
      });
    }
    visit.onEnd(place);
  };

  const fail = (error: unknown, response: Response): void => {
    const visit = visitOf(response);
    const { problem, fault, own } = faultOf(error, visit.place);
    // A handler that was answered for does not know it.
    const late = visit.failed && (error as { code?: unknown }).code === 'ERR_HTTP_HEADERS_SENT';
    if (fault && !late) {
      logger.error('a request could not be answered', { id: visit.id, error });
    }
    if (visit.failed || response.closed) {
      return;
    }
    visit.failed = true;
    // Sentences of mounts quote what was sent: names, values, filters.
    visit.note(own || !visit.entered ? { detail: problem.message } : { scimType: problem.scimType });
    if (response.headersSent) {
      // Broken off, so that nobody takes what they have for the whole.
      response.destroy();
      return;
    }
    const format = visit.place?.format ?? 'problem+json';
    for (const name of ['content-encoding', 'etag', 'location', 'last-modified']) {
      response.removeHeader(name);
    }
    response.writeHead(problem.status, problemHeaders(problem, format));
    response.end(problemBody(problem, format));
  };

  /** The head of a visit; nothing here can fail. */
  const begin = (request: Request, response: Response, next: NextFunction): void => {
    const [pathname = ''] = request.url.split('?');
    const place = placeOf(mounts, pathname);
    const stop = new AbortController();
    const forwarded = options.leader?.received(request);
    const visit = new OngoingVisit({
      id: options.makeId(),
      address: forwarded?.address ?? origins.addressOf(request),
      signal: stop.signal,
      place: place?.mount,
      named: place?.connection,
      prefix: place?.prefix ?? '',
      base: forwarded?.base ?? origins.baseOf(request),
      admit,
    });
    (response.locals as { visit?: OngoingVisit }).visit = visit;
    visit.note({ forwardedBy: forwarded?.by, forwardedId: forwarded?.id });
    visit.writes = place !== undefined && request.method !== 'GET' && request.method !== 'HEAD';
    response.set({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': visit.id,
    });
    if (closing.aborted) {
      response.set('connection', 'close');
    }
    const answerMs = place?.mount.answerMs ?? limits.answerMs;
    // Nothing comes over the connection while an answer is made; Node goes back to `idleMs` afterwards.
    request.socket.setTimeout(Math.max(limits.idleMs, answerMs + 5_000));
    const cancelAnswer = clock.setTimeout(() => {
      if (!response.headersSent) {
        const slow = new Problem(503, 'The answer was not there in time.', { retryAfter: 5 });
        stop.abort(slow);
        fail(slow, response);
      }
    }, answerMs);
    const cancelStream = clock.setTimeout(() => {
      const long = new Error('the answer took too long');
      stop.abort(long);
      fail(long, response);
    }, limits.streamMs);
    visit.onEnd(() => {
      cancelAnswer();
      cancelStream();
      stop.abort(new CallerLeft());
    });
    const record = closeOf(request, response, visit, options);
    response.once('close', () => {
      visit.end();
      record();
    });
    next();
  };

  /** The parts of the frame in front of a mount, in their order. */
  const enter = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const visit = visitOf(response);
    const mount = visit.place;
    const free = places.take('');
    if (free === undefined || closing.aborted) {
      free?.();
      throw new Problem(503, 'The connector is busy, or ends.', { retryAfter: 1 });
    }
    visit.onEnd(free);
    limitRate(addresses, visit.address);
    if (request.url.length > maxUrlLength) {
      throw new Problem(414, `Path and query have ${maxUrlLength} characters at most.`);
    }
    if (mount === undefined) {
      throw new Problem(404, `There is ${there}.`);
    }
    if (mount.access === 'caller') {
      visit.caller = await options.authenticator.authenticate(request, visit.address, visit.signal);
      visit.admit(visit.caller.name);
    }
    if (
      mount.perConnection &&
      !(mount.mayLackConnection === true && lacksConnection(visit.named, options.connections))
    ) {
      visit.named = connectionFor(visit.caller, visit.named, options.connections);
      visit.note({ connection: keyString(visit.named) });
    }
    if (hasBody(request) && request.headers.expect?.toLowerCase() === '100-continue') {
      response.writeContinue();
    }
    visit.body = await readBody(request, mount, { clock, withinMs: limits.bodyMs, signal: visit.signal });
    if (mount.leaderOnly && options.leader?.here === false) {
      visit.note({ forwarded: true });
      visit.readsOnly();
      await options.leader.forward(request, response, visit);
      return;
    }
    request.body = parseJson(visit.body);
    request.baseUrl = visit.prefix;
    const rest = request.url.slice(visit.prefix.length);
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
    visit.entered = true;
    mount.router(request, response, next);
  };

  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(begin);
  app.use((request, response, next) => {
    enter(request, response, next).catch(next);
  });
  app.use(() => {
    throw new Problem(404, 'There is nothing at this path.');
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    fail(error, response);
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
