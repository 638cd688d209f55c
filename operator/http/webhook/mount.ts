import type { OperationParser, RunParser, Runs } from '../../../src/idhub/index.ts';
import { routerOf, type Mount } from '../frame/index.ts';
import { operationRoutes, type Operations } from './operations.ts';
import { runRoutes } from './reconciliations.ts';

export interface WebhookMountOptions {
  readonly operations: Operations;
  readonly runs: Runs;
  readonly parser: OperationParser;
  readonly runParser: RunParser;
}

/** Until an answer has begun, ms: longer than operations are waited for. */
const answerMs = 30_000;
const bodyLimit = 1_048_576;

/** `/webhook/v1`: what IDHub asks for that is not SCIM: operations and reconciliations. */
export function webhookMount(options: WebhookMountOptions): Mount {
  return {
    name: 'webhook',
    path: '/webhook/v1',
    perConnection: true,
    access: 'caller',
    format: 'problem+json',
    bodyLimit,
    mediaTypes: ['application/json'],
    answerMs,
    leaderOnly: true,
    router: routerOf([...operationRoutes(options), ...runRoutes(options)]),
  };
}
