import type { Request, Response } from 'express';
import { requireKnown } from '../../../src/idhub/index.ts';
import {
  entityTag,
  fits,
  listResponse,
  projection,
  versionsOf,
  type JsonObject,
  type Versions,
  type Wanted,
} from '../../../src/scim/index.ts';
import type { Written } from './endpoint.ts';
import type { Found } from './scene.ts';

const contentType = 'application/scim+json; charset=utf-8';

export function sendJson(response: Response, status: number, body: unknown): void {
  const text = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'content-type': contentType, 'content-length': text.length });
  response.end(text);
}

/**
 * A resource, or 304 where the client has this version (RFC 9110, 13.1.2).
 * @throws {DirectoryUnavailableError} where something could not be read that the client would take for empty
 */
export function sendFound(request: Request, response: Response, found: Found, wanted: Wanted): void {
  const { type, version, resource, unknown } = found;
  requireKnown(type, unknown, wanted);
  response.set('etag', entityTag(version));
  const known = versionsOf(header(request, 'if-none-match'));
  if (known !== undefined && fits(known, version)) {
    response.status(304).end();
    return;
  }
  sendJson(response, 200, projection(type, wanted)(resource));
}

/** What came of a write. */
export function sendWritten(response: Response, { status, found }: Written, wanted: Wanted): void {
  if (found === undefined || status === 204) {
    response.status(status).end();
    return;
  }
  response.set({ location: locationIn(found), etag: entityTag(found.version) });
  sendJson(response, status, projection(found.type, wanted)(found.resource));
}

/** A list of what discovery tells: never in pages, which nobody expects of it. */
export function sendAll(response: Response, resources: readonly JsonObject[]): void {
  sendJson(response, 200, listResponse({ resources, total: resources.length, startIndex: 1 }));
}

export function locationIn({ resource }: Found): string {
  const { meta } = resource;
  const { location } = (meta ?? {}) as JsonObject;
  return typeof location === 'string' ? location : '';
}

/** The versions that a write may meet. */
export function conditionOf(request: Request): Versions | undefined {
  return versionsOf(header(request, 'if-match'));
}

function header(request: Request, name: string): string | undefined {
  return request.headersDistinct[name]?.join(', ');
}
