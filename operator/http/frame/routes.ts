import { Router } from 'express';
import type { Route, Method } from './mount.ts';
import { Problem } from './problem.ts';
import { visitOf } from './visits.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies Method[];

/** A router of these routes: another method of a known path is 405, and told which there are; HEAD goes with GET. */
export function routerOf(routes: readonly Route[]): Router {
  const router = Router({ caseSensitive: true, strict: true });
  for (const route of routes) {
    const there: string[] = [];
    const at = router.route(route.path);
    for (const method of methods) {
      const handler = route[method];
      if (handler !== undefined) {
        there.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
        at[method.toLowerCase() as Lowercase<Method>](async (request, response) => {
          await handler(request, response, visitOf(response));
        });
      }
    }
    at.all(() => {
      throw new Problem(405, `The methods here are ${there.join(', ')}.`, {
        headers: { allow: there.join(', ') },
      });
    });
  }
  return router;
}
