import type { ListOptions, WatchEvent } from './contracts.ts';
import { ApiError, type ApiErrorDetails } from './errors.ts';
import type { Response } from './transport.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ResourceType } from './types.ts';

/** What the API server says of an error. */
interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: ApiErrorDetails & { readonly retryAfterSeconds?: number };
}

export function collectionPath(type: ResourceType<KubeObject>, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${apiVersionOf(type)}`;
  return type.namespaced && namespace !== undefined && namespace !== ''
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`
    : `${root}/${type.plural}`;
}

export function objectPath(type: ResourceType<KubeObject>, key: ObjectKey): string {
  if (key.name === '' || (type.namespaced && key.namespace === '')) {
    throw new TypeError(`a ${type.kind} needs a name${type.namespaced ? ' and a namespace' : ''}`);
  }
  return `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}`;
}

export function setSelectors(query: URLSearchParams, options: ListOptions): void {
  if (options.labelSelector !== undefined) {
    query.set('labelSelector', options.labelSelector);
  }
  if (options.fieldSelector !== undefined) {
    query.set('fieldSelector', options.fieldSelector);
  }
}

/** Items of lists carry neither kind nor version. */
export function typed<T extends KubeObject>(type: ResourceType<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

export function parseEvent<T extends KubeObject>(type: ResourceType<T>, line: string): WatchEvent<T> {
  let event: { type: string; object: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw new SyntaxError('a line of the watch is no JSON');
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: typed(type, event.object as T) };
    case 'BOOKMARK': {
      const { resourceVersion } = (event.object as KubeObject).metadata;
      return { type: 'BOOKMARK', resourceVersion: resourceVersion ?? '' };
    }
    case 'ERROR':
      throw errorOf(event.object as Status, 500, undefined);
    default:
      throw new SyntaxError('the watch sent an event of an unknown type');
  }
}

export function errorFrom(response: Response): ApiError {
  let status: Status = {};
  try {
    status = JSON.parse(response.body) as Status;
  } catch {
    // A proxy's page or plain text: what it says is not passed on.
  }
  const header = Number(response.headers['retry-after']);
  return errorOf(status, response.status, Number.isFinite(header) ? header : undefined);
}

function errorOf(status: Status | null, httpStatus: number, retryAfter: number | undefined): ApiError {
  const { code, reason, message, details } = status ?? {};
  const seconds = retryAfter ?? details?.retryAfterSeconds;
  return new ApiError({
    code: typeof code === 'number' && code > 0 ? code : httpStatus,
    reason,
    message: typeof message === 'string' ? message : `the API server answered ${httpStatus}`,
    details,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  });
}
