import {
  maxBatch,
  type OperationDesk,
  type OperationParser,
  type OperationResult,
  type Operation,
  type Standing,
} from '../../../src/idhub/index.ts';
import { Problem, type Handler, type Route, type Visit } from '../frame/index.ts';
import { locationOf } from './location.ts';

/** Does operations. */
export type Operations = Pick<OperationDesk, 'submit' | 'standing'>;

export interface OperationRoutesOptions {
  readonly operations: Operations;
  readonly parser: OperationParser;
}

/** `POST /operations`, `GET /operations/{operationId}`. */
export function operationRoutes({ operations, parser }: OperationRoutesOptions): readonly Route[] {
  const submit = async (asked: readonly Operation[], visit: Visit): Promise<readonly OperationResult[]> => {
    const { caller, requestId, signal } = visit.writeContext();
    const standings =
      asked.length === 0
        ? []
        : await operations.submit(visit.connection, asked, { caller, requestId, signal });
    return asked.map(({ operationId, kind }, at) => ({ operationId, kind, ...standingAt(standings, at) }));
  };

  const post: Handler = async (request, response, visit) => {
    const body = request.body as unknown;
    if (!Array.isArray(body)) {
      const parsed = parser.parse(body, '');
      if (parsed.kind === 'invalid') {
        throw new Problem(400, parsed.errors.join(' '));
      }
      const { operationId, kind } = parsed.operation;
      visit.note({ operation: operationId, kind });
      const [result] = await submit([parsed.operation], visit);
      if (result === undefined) {
        throw new Error('an operation has no result');
      }
      noteResults(visit, [result]);
      requireAnswer(result);
      answer(response.status(statusOf([result])), result, visit);
      return;
    }
    if (body.length === 0 || body.length > maxBatch) {
      throw new Problem(400, `A list has 1 to ${maxBatch} operations, and this one ${body.length}.`);
    }
    const parsed = body.map((each: unknown, at) => parser.parse(each, `/${at}`));
    const valid = parsed.flatMap((each) => (each.kind === 'operation' ? [each.operation] : []));
    const done = [...(await submit(valid, visit))];
    const results = parsed.map((each) => (each.kind === 'invalid' ? each.result : done.shift()));
    const all = results.filter((each) => each !== undefined);
    noteResults(visit, all);
    response.status(statusOf(all)).json({ results: all.map((each) => bodyOf(each, visit)) });
  };

  const get: Handler = async (request, response, visit) => {
    const operationId = String(request.params['operationId']);
    const result = parser.isOperationId(operationId)
      ? await operations.standing(visit.connection, operationId, visit.signal)
      : undefined;
    if (result === undefined) {
      throw new Problem(404, 'No operation of this id was begun in the last 7 days.');
    }
    answer(response.status(statusOf([result])), result, visit);
  };

  return [
    { path: '/operations', POST: post },
    { path: '/operations/:operationId', GET: get },
  ];
}

function standingAt(standings: readonly Standing[], at: number): Standing {
  const standing = standings[at];
  if (standing === undefined) {
    throw new Error('an operation has no standing');
  }
  return standing;
}

/** What one operation alone is told as a problem: it cannot be, or not now. @throws {Problem} */
function requireAnswer(result: OperationResult): void {
  if (result.status === 'refused' && result.reason === 'operationIdUsed') {
    throw new Problem(409, result.message);
  }
  if (result.status === 'failed') {
    const retryAfter = result.retryAfterMs / 1_000;
    const status = { conflict: 409, throttled: 429, unavailable: 503, interrupted: 503 } as const;
    throw new Problem(status[result.reason], result.message, { retryAfter });
  }
}

function statusOf(results: readonly OperationResult[]): number {
  return results.some(({ status }) => status === 'pending') ? 202 : 200;
}

function noteResults(visit: Visit, results: readonly OperationResult[]): void {
  const count = (wanted: OperationResult['status']): number | undefined =>
    results.filter(({ status }) => status === wanted).length || undefined;
  visit.note({
    operations: results.length,
    done: count('done'),
    pending: count('pending'),
    refused: count('refused'),
    failed: count('failed'),
  });
}

type Answer = Parameters<Handler>[1];

function answer(response: Answer, result: OperationResult, visit: Visit): void {
  const body = bodyOf(result, visit);
  if (result.status === 'pending') {
    response.set({ location: String(body['location']), 'retry-after': String(body['retryAfter']) });
  }
  response.json(body);
}

/** As it goes out: times in seconds, and the address to ask at. */
function bodyOf(result: OperationResult, visit: Visit): Readonly<Record<string, unknown>> {
  if (!('retryAfterMs' in result)) {
    return result;
  }
  const { retryAfterMs, ...rest } = result;
  return {
    ...rest,
    retryAfter: Math.ceil(retryAfterMs / 1_000),
    ...(rest.status === 'pending' && rest.operationId !== null
      ? { location: locationOf(visit.baseUrl, 'operations', rest.operationId) }
      : {}),
  };
}
