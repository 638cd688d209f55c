import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import type { Clock, Logger } from '../../runtime/index.ts';
import type { ConnectionName } from '../../../src/idhub/index.ts';
import type { Rate } from './limits.ts';
import type { Caller, Mount } from './mount.ts';
import type { Origins } from './origins.ts';
import type { OngoingVisit } from './visits.ts';

/** Finds out who asks. */
export interface Authenticator {
  /**
   * Who a request comes from.
   * @param from the address of the client, as far as proxies are trusted
   * @throws {Problem} 401 nobody that is known, 429 too many tries, 503 it cannot be told, or nobody is known to this port at all
   */
  authenticate(request: IncomingMessage, from: string, signal: AbortSignal): Promise<Caller>;
}

/** What a replica says of a request that it hands on. */
export interface Forwarded {
  /** Which replica: its identity. */
  readonly by: string;
  /** Its id of the request. */
  readonly id: string;
  /** Address of the client, as far as proxies are trusted there. */
  readonly address: string;
  /** Scheme, host and more, as the client reaches the port. */
  readonly base: string;
}

/** The replica that leads. */
export interface Leader {
  /** This one. */
  readonly here: boolean;
  /**
   * Has it answer in our place; the request's head is as it came, its body is `visit.body`.
   * @throws {Problem} 503 where it cannot be asked
   */
  forward(request: Request, response: Response, visit: OngoingVisit): Promise<void>;
  /** What another replica says of a request that it has handed on to this one; undefined where none has. */
  received(request: IncomingMessage): Forwarded | undefined;
}

/** The connections that there are. */
export interface Connections {
  /** Of the paths that name none; undefined where none is the default. */
  readonly default: ConnectionName | undefined;
  /** @throws {DirectoryUnavailableError} where it cannot be told yet */
  has(connection: ConnectionName): boolean;
}

/** Takes the place of a mount's name where no mount has the path. */
export const noMount = 'none';

/** What was answered. */
export interface Answered {
  /** The name of the mount, or `noMount`. */
  readonly mount: string;
  readonly code: number;
  readonly seconds: number;
}

/** How much the port bears. */
export interface Limits {
  /** Requests from one address, before it is known who asks. */
  readonly perAddress: Rate;
  /** Requests of one caller. */
  readonly perCaller: Rate;
  /** Requests under way at once, of all. */
  readonly atOnce: number;
  /** Requests under way at once, of one caller. */
  readonly atOncePerCaller: number;
  /** Until an answer has begun, where the mount does not say, ms. */
  readonly answerMs: number;
  /** The whole of an answer, ms. */
  readonly streamMs: number;
  /** Without a byte for this long a connection is ended, ms. */
  readonly idleMs: number;
  /** Until the head of a request is there, ms. */
  readonly headersMs: number;
  /** Until the body of a request is there, from when it is read, ms. */
  readonly bodyMs: number;
}

export const defaultLimits: Limits = {
  // A port-forward and a proxy are one address for all who come through them.
  perAddress: { burst: 400, perSecond: 100 },
  perCaller: { burst: 200, perSecond: 50 },
  atOnce: 256,
  atOncePerCaller: 64,
  answerMs: 20_000,
  streamMs: 600_000,
  idleMs: 60_000,
  headersMs: 5_000,
  bodyMs: 10_000,
};

export interface AppOptions {
  readonly mounts: readonly Mount[];
  readonly authenticator: Authenticator;
  readonly connections: Connections;
  /** Undefined: all is answered here. */
  readonly leader: Leader | undefined;
  readonly origins: Origins;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
  /** For `Visit.id`. */
  readonly makeId: () => string;
  /** Called at the end of each request. */
  readonly observe: (answered: Answered) => void;
  readonly limits: Limits;
  /** Aborted: nothing new is taken. */
  readonly closing: AbortSignal;
}
