import type { RunParser, Runs, RunState } from '../../../src/idhub/index.ts';
import { isObjectName } from '../../runtime/index.ts';
import { Problem, type Handler, type Route } from '../frame/index.ts';
import { locationOf, reportOf } from './location.ts';

export interface RunRoutesOptions {
  readonly runs: Runs;
  readonly runParser: RunParser;
}

/** `POST /reconciliations`, `GET /reconciliations/{name}`. */
export function runRoutes({ runs, runParser }: RunRoutesOptions): readonly Route[] {
  const post: Handler = async (request, response, visit) => {
    const parsed = runParser.parse(request.body as unknown);
    if (parsed.kind === 'invalid') {
      throw new Problem(400, parsed.errors.join(' '));
    }
    visit.note({ operation: parsed.request.operationId });
    const made = await runs.make(visit.connection, parsed.request, visit.signal);
    switch (made.kind) {
      case 'used':
        throw new Problem(409, made.message);
      case 'refused':
        throw new Problem(400, made.errors.join(' '));
      case 'run':
        break;
    }
    const { run } = made;
    visit.note({ run: `${run.namespace}/${run.name}` });
    response
      .status(made.made ? 201 : run.status === 'running' ? 202 : 200)
      .set({ location: locationOf(visit.baseUrl, 'reconciliations', run.name) })
      .json(bodyOf(run, visit.baseUrl));
  };

  const get: Handler = async (request, response, visit) => {
    const name = String(request.params['name']);
    const run = isObjectName(name) ? await runs.find(visit.connection, name, visit.signal) : undefined;
    if (run === undefined) {
      throw new Problem(404, 'This connection has no reconciliation of this name.');
    }
    response.status(200).json(bodyOf(run, visit.baseUrl));
  };

  return [
    { path: '/reconciliations', POST: post },
    { path: '/reconciliations/:name', GET: get },
  ];
}

function bodyOf(run: RunState, baseUrl: string): object {
  return { ...run, report: reportOf(baseUrl, run) };
}
