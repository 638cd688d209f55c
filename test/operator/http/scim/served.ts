import { scimMounts } from '../../../../operator/http/scim/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { Lists } from '../../../../src/idhub/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';
import { serveMounts, type ServedFrame } from '../served.ts';
import { fakeDirectories, FakeDirectory } from './fake-directory.ts';

/** The answer to a request, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

export interface ServedScim extends ServedFrame {
  /** Of the default connection `team/aws`. */
  readonly directory: FakeDirectory;
  readonly clock: FakeClock;
  readonly errors: Record<string, unknown>[];
  /** @param path below `/scim/v2`, or a whole one */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
}

/** SCIM on a real port, over directories in memory; ends with the test. */
export async function serveScim(
  options: Partial<Parameters<typeof serveMounts>[0]> = {},
  directory = new FakeDirectory(),
): Promise<ServedScim> {
  const clock = new FakeClock();
  const errors: Record<string, unknown>[] = [];
  const mounts = scimMounts({
    directories: fakeDirectories(directory, new FakeDirectory({ namespace: 'other', name: 'aws' })),
    lists: new Lists({ clock }),
    clock,
    logger: createLogger({
      level: 'info',
      clock,
      write: (line) => errors.push(JSON.parse(line) as Record<string, unknown>),
    }),
  });
  const frame = await serveMounts({ mounts, ...options });
  return {
    ...frame,
    clock,
    directory,
    errors,
    send: async (method, path, body, headers = {}) => {
      const whole = path.startsWith('/connections/') || path.startsWith('/scim/');
      const answer = await fetch(`${frame.url}${whole ? '' : '/scim/v2'}${path}`, {
        method,
        headers: {
          authorization: 'Bearer jo-token',
          ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: (text === '' ? {} : JSON.parse(text)) as JsonObject,
      };
    },
  };
}

export const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const accountUrn = 'urn:sath:params:scim:schemas:core:1.0:Account';

export function patchOf(...operations: readonly object[]) {
  return { schemas: [patchUrn], Operations: operations };
}

/** The id of a resource. */
export function idOf({ id }: JsonObject): string {
  return typeof id === 'string' ? id : 'none';
}

/** Where a resource is. */
export function locationOf({ meta }: JsonObject): string {
  const { location } = (meta ?? {}) as JsonObject;
  return typeof location === 'string' ? location : 'nowhere';
}

/** The resources of a list. */
export function listed({ Resources }: JsonObject): readonly JsonObject[] {
  return (Resources ?? []) as readonly JsonObject[];
}
