import { DirectoryThrottledError, DirectoryUnavailableError } from '../../../src/idhub/index.ts';
import {
  entityTag,
  errorBody,
  runBulk,
  ScimError,
  versionsOf,
  type BulkOperation,
  type BulkRequest,
  type BulkResult,
  type JsonObject,
} from '../../../src/scim/index.ts';
import type { Clock, Logger } from '../../runtime/index.ts';
import { Problem } from '../frame/index.ts';
import { locationIn } from './answer.ts';
import { changedBy, freesName } from './bulk-order.ts';
import type { Endpoint, Written } from './endpoint.ts';
import type { Scene } from './scene.ts';

/** Operations under way at once, of one request. */
const atOnce = 16;
/** After this, no operation is begun any more: the client would not wait for it. */
const beginMs = 60_000;

export interface BulkServiceOptions {
  readonly endpoints: readonly Endpoint[];
  readonly scene: Scene;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** For what is no client's mistake. */
  readonly logger: Logger;
}

/**
 * Carries out a bulk request; each operation is answered as it would be alone.
 * @throws {unknown} what is no answer to one operation: nobody waits any more
 */
export async function answerBulk(request: BulkRequest, options: BulkServiceOptions): Promise<JsonObject> {
  const { clock, endpoints, logger, scene } = options;
  const until = clock.monotonic() + beginMs;
  return runBulk({
    request,
    atOnce,
    base: scene.base,
    changedBy,
    frees: freesName,
    errorOf: resultOf,
    execute: async (operation) => {
      try {
        scene.signal.throwIfAborted();
        if (clock.monotonic() >= until) {
          throw new ScimError(503, 'The request took too long to begin with this: send it again.');
        }
        return told(await carryOut(operation, endpoints, scene));
      } catch (error) {
        scene.signal.throwIfAborted();
        const known = errorIn(error);
        if (known.status === 500) {
          logger.error('an operation of a bulk request could not be carried out', { error });
        }
        return resultOf(known);
      }
    },
  });
}

function carryOut(
  { method, path, data, version }: BulkOperation,
  endpoints: readonly Endpoint[],
  scene: Scene,
): Promise<Written> {
  const endpoint = endpoints.find((each) => path === each.path || path.startsWith(`${each.path}/`));
  const rest = endpoint === undefined ? '' : path.slice(endpoint.path.length + 1);
  if (endpoint === undefined || rest.includes('/') || rest.includes('?')) {
    throw new ScimError(404, `There is no "${path.slice(0, 200)}".`);
  }
  if ((method === 'POST') !== (rest === '')) {
    throw new ScimError(
      'invalidSyntax',
      `${method} needs ${rest === '' ? 'the path of a resource' : 'the path of a type'}.`,
    );
  }
  const versions = versionsOf(version);
  switch (method) {
    case 'POST':
      return endpoint.create(scene, data);
    case 'PUT':
      return endpoint.replace(scene, idIn(rest), data, versions);
    case 'PATCH':
      return endpoint.patch(scene, idIn(rest), data, versions, false);
    case 'DELETE':
      return endpoint.remove(scene, idIn(rest), versions);
  }
}

function idIn(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ScimError('invalidSyntax', 'The path makes no sense.');
  }
}

function told({ status, found, id }: Written): BulkResult & { readonly id: string } {
  return {
    status,
    id,
    ...(found === undefined ? {} : { location: locationIn(found), version: entityTag(found.version) }),
  };
}

function resultOf(error: ScimError): BulkResult {
  return { status: error.status, response: { ...errorBody(error) } };
}

function errorIn(error: unknown): ScimError {
  if (error instanceof ScimError) {
    return error;
  }
  if (error instanceof DirectoryUnavailableError) {
    return new ScimError(503, error.message);
  }
  if (error instanceof DirectoryThrottledError) {
    return new ScimError(429, error.message);
  }
  if (error instanceof Problem) {
    return new ScimError(error.status, error.message);
  }
  return new ScimError(500, 'The connector could not answer; its log says why.', { cause: error });
}
