import type { Request, Response, Router } from 'express';
import type { ConnectionName, WriteContext } from '../../../src/idhub/index.ts';
import type { ErrorFormat, Problem } from './problem.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * A part of the port for IDHub and for people. The frame around it has seen to all of this before a
 * handler runs, and answers in `format` where it does not hold: limits, who asks, the connection, the body. Handlers answer, or throw: `Problem`s go out as they are, what else is thrown
 * as `problemOf` says, then as the port does (`DirectoryUnavailableError`, the API server's errors: 503;
 * everything else: 500 without a word of it). A path that the router does not know is 404.
 */
export interface Mount {
  /** In metrics and logs: one word, such as `scim`. */
  readonly name: string;
  /** Such as `/scim/v2`: begins with a slash and does not end with one. The longest that fits is taken. */
  readonly path: string;
  /**
   * Speaks of one connection: `path` is about the default one, `/connections/{namespace}/{name}` + `path`
   * about that one; `Visit.connection` names it, and there is such a connection.
   */
  readonly perConnection: boolean;
  /** Has an answer also where its path names no connection and the default one is not there; `connectionIfAny` tells. */
  readonly mayLackConnection?: boolean;
  /**
   * `caller`: with credentials of IDHub or another client. `reports`: the router itself finds out who
   * asks, and says so by `Visit.admit`. `open`: anybody.
   */
  readonly access: 'caller' | 'reports' | 'open';
  readonly format: ErrorFormat;
  /** Bytes of a body; 0: a request has none. */
  readonly bodyLimit: number;
  /** Of bodies, in small letters, without parameters; each is JSON. */
  readonly mediaTypes: readonly string[];
  /** Until an answer has begun, ms; 20 s unless told. */
  readonly answerMs?: number;
  /** Answered by the replica that leads; others hand the request on to it. */
  readonly leaderOnly: boolean;
  readonly router: Router;
  /** What is answered to errors that this mount knows; undefined to any other. */
  readonly problemOf?: (error: unknown) => Problem | undefined;
}

/** Who asks, as far as it is known. */
export interface Caller {
  /** For logs and annotations: no secret, printable, at most 200 characters. Tells callers from each other. */
  readonly name: string;
  may(connection: ConnectionName): boolean;
}

/** A request from its beginning to its end; handlers get it beside the request. */
export interface Visit {
  /** Of this request alone; in the log, and in the answer as `x-request-id`. */
  readonly id: string;
  /** The name of the mount; undefined where no mount has the path. */
  readonly mount: string | undefined;
  /** There in mounts for callers. */
  readonly caller: Caller | undefined;
  /** There in mounts of connections. @throws {Error} in others: a fault of the program */
  readonly connection: ConnectionName;
  /** As `connection`; undefined where the mount may lack one, and does. */
  readonly connectionIfAny: ConnectionName | undefined;
  /** Address of the mount as clients reach it, such as `https://aws.example.com/scim/v2`, without a slash at the end. */
  readonly baseUrl: string;
  /** The body as it came; empty where there is none. `Request.body` has it parsed, undefined where there is none. */
  readonly body: Buffer;
  /** Aborts when nobody waits for the answer any more, and at the limits. */
  readonly signal: AbortSignal;
  /** What goes with each write to a directory. @throws {Error} where there is no caller */
  writeContext(): WriteContext;
  /** For the line of this request in the log. No secrets and no values of attributes. */
  note(fields: Readonly<Record<string, string | number | boolean | undefined>>): void;
  /** A POST that changes nothing, such as `/.search`: no line in the audit log. */
  readsOnly(): void;
  /**
   * Of mounts whose router finds out who asks: takes the caller's place.
   * @throws {Problem} 429
   */
  admit(name: string): void;
  /** Done once nobody waits for the answer any more; at once where that is so already. */
  onEnd(act: () => void): void;
}

export type Handler = (request: Request, response: Response, visit: Visit) => Promise<void> | void;

/** What there is at a path of a mount, in the words of express: `/Account/:id`. */
export type Route = { readonly path: string } & { readonly [method in Method]?: Handler };
