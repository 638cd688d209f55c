import { request as send, type ClientRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Request, Response } from 'express';
import type { Clock, LeaseHolder } from '../../runtime/index.ts';
import { Problem, type Forwarded, type Leader, type OngoingVisit } from '../frame/index.ts';
import { fingerprintOf, NotConnectedError, ReplicaAgent, type Target } from './agent.ts';
import { announcementName, readAnnouncement, writeAnnouncement, type Announcement } from './announcement.ts';
import { endToEnd } from './headers.ts';
import { proofHeader, readProof, writeProof } from './proof.ts';

/** What the replicas of an installation know, and nobody else. */
export interface PeerKey {
  /** As it was last read. */
  readonly known: Buffer | undefined;
  /** Reads it; undefined where there is none. Rejects as `Client` does. */
  load(signal: AbortSignal): Promise<Buffer | undefined>;
}

/** The port of this process for IDHub and for people. */
export interface OwnPort {
  /** HOST:PORT where other replicas reach it; undefined: nowhere. */
  readonly address: string | undefined;
  /** PEM of its certificate; undefined: it speaks no TLS. */
  readonly certificate: () => Buffer | undefined;
}

export interface ReplicaLeaderOptions {
  /** Of this process, as in the Lease. */
  readonly identity: string;
  readonly leading: () => boolean;
  /** Who holds the Lease. */
  readonly holder: () => LeaseHolder | undefined;
  readonly key: PeerKey;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Seconds until a Lease that was given back is another's, and until one that expires is. */
const handedOver = 3;
const expired = 10;
/** A key that does not fit is read again at most this often. */
const reloadMs = 5_000;
/** Without a byte for this long an answer that has begun is broken off. */
const idleMs = 60_000;

/**
 * Has the replica that leads answer in place of this one, where that is another. It says on the Lease where it is
 * reached; both sides know a key of the installation: nobody else can say where requests with credentials go, or
 * for whom a request is handed on.
 */
export class ReplicaLeader implements Leader {
  readonly #options: ReplicaLeaderOptions;
  #agent: ReplicaAgent | undefined;
  #loadedAt = -Infinity;
  #port: OwnPort | undefined;
  #closed = false;

  constructor(options: ReplicaLeaderOptions) {
    this.#options = options;
  }

  get here(): boolean {
    return this.#options.leading();
  }

  /** Told once it is bound. */
  serves(port: OwnPort): void {
    this.#port = port;
  }

  /** For the Lease, if this process comes to hold it. */
  annotations(): Readonly<Record<string, string>> {
    const { identity, key } = this.#options;
    const address = this.#port?.address;
    if (key.known === undefined || address === undefined) {
      return {};
    }
    const fingerprint = this.#fingerprint();
    return { [announcementName]: writeAnnouncement(key.known, { identity, address, fingerprint }) };
  }

  /** What another replica says of a request that it hands on to this one. */
  received(request: IncomingMessage): Forwarded | undefined {
    const { clock, key } = this.#options;
    return key.known === undefined ? undefined : readProof(key.known, request, clock.now());
  }

  async forward(request: Request, response: Response, visit: OngoingVisit): Promise<void> {
    if (request.headers[proofHeader] !== undefined) {
      throw new Problem(
        503,
        'Another replica has taken this one for the one that leads. It changes just now.',
        {
          retryAfter: handedOver,
        },
      );
    }
    const { announcement, key } = await this.#leader(visit.signal);
    const answer = await this.#ask(request, visit, announcement, key);
    visit.note({ answeredBy: announcement.identity });
    response.writeHead(answer.statusCode ?? 503, endToEnd(answer.headers));
    const { socket } = answer;
    const silent = (): void => void answer.destroy(new Error('the replica that leads has fallen silent'));
    socket.setTimeout(idleMs).once('timeout', silent);
    try {
      await pipeline(answer, response, { signal: visit.signal });
    } finally {
      socket.off('timeout', silent);
    }
  }

  /** Ends connections that nobody uses. */
  close(): void {
    this.#closed = true;
    this.#agent?.destroy();
  }

  /** @throws {Problem} 503 */
  async #leader(signal: AbortSignal): Promise<{ readonly announcement: Announcement; readonly key: Buffer }> {
    const { holder: seen, identity, key } = this.#options;
    const holder = seen();
    if (holder === undefined || holder.identity === identity) {
      throw new Problem(503, 'No replica of the connector leads at the moment.', { retryAfter: handedOver });
    }
    const text = holder.annotations[announcementName] ?? '';
    const read = (known: Buffer | undefined): Announcement | undefined =>
      known === undefined ? undefined : readAnnouncement(known, text);
    let announcement = read(key.known);
    if (announcement === undefined && text !== '') {
      await this.#reload(signal);
      announcement = read(key.known);
    }
    // Left by a holder before, or none yet: a new one says where it is within a moment.
    if (announcement?.identity !== holder.identity || key.known === undefined) {
      throw new Problem(
        503,
        `The replica that leads ("${holder.identity}") has not said yet where it is reached.`,
        {
          retryAfter: handedOver,
        },
      );
    }
    return { announcement, key: key.known };
  }

  async #reload(signal: AbortSignal): Promise<void> {
    const { clock, key } = this.#options;
    if (clock.monotonic() - this.#loadedAt >= reloadMs) {
      this.#loadedAt = clock.monotonic();
      await key.load(signal);
    }
  }

  async #ask(
    request: Request,
    visit: OngoingVisit,
    announcement: Announcement,
    key: Buffer,
  ): Promise<IncomingMessage> {
    const agent = this.#agentFor(announcement);
    const { clock, identity } = this.#options;
    const from = { by: identity, id: visit.id, address: visit.address, base: visit.base };
    const peer = request.socket.remoteAddress ?? '';
    const chain = [request.headers['x-forwarded-for'] ?? [], peer].flat().filter((each) => each !== '');
    const headers = {
      ...endToEnd(request.headers, ['host', 'expect', 'content-length']),
      'x-forwarded-for': chain.join(', '),
      [proofHeader]: writeProof(key, { method: request.method, url: request.url }, from, clock.now()),
      ...(visit.body.length === 0 ? {} : { 'content-length': visit.body.length }),
    };
    const { host, port } = agent.target;
    const attempt = (): ClientRequest =>
      send({
        agent,
        host,
        port,
        method: request.method,
        path: request.url,
        headers,
        signal: visit.signal,
      });
    const readsOnly = request.method === 'GET' || request.method === 'HEAD';
    try {
      const first = attempt();
      try {
        return await answerOf(first, visit.body);
      } catch (error) {
        // The other side may end a connection that nobody uses at the moment when it is used again.
        if (!first.reusedSocket || !readsOnly || visit.signal.aborted) {
          throw error;
        }
        return await answerOf(attempt(), visit.body);
      }
    } catch (error) {
      visit.signal.throwIfAborted();
      throw away(announcement, error);
    }
  }

  #fingerprint(): string | undefined {
    const pem = this.#port?.certificate();
    return pem === undefined ? undefined : fingerprintOf(pem);
  }

  /** The one before is left to those who use it; its other connections end by themselves. */
  #agentFor(announcement: Announcement): ReplicaAgent {
    if (this.#closed) {
      throw new Problem(503, 'The connector ends.', { retryAfter: 1 });
    }
    const target = targetOf(announcement, this.#fingerprint());
    if (this.#agent === undefined || !isDeepStrictEqual(this.#agent.target, target)) {
      this.#agent = new ReplicaAgent(target);
    }
    return this.#agent;
  }
}

/** Where certificates are being replaced, the other replica may have ours already. */
function targetOf({ address, fingerprint }: Announcement, own: string | undefined): Target {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(address.slice(colon + 1)),
    fingerprints: fingerprint === undefined ? undefined : [fingerprint, own ?? []].flat(),
  };
}

function answerOf(request: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Also later: what breaks off then is told by the answer.
    request.on('error', reject);
    request.end(body);
  });
}

/** Whether something was done is not known where the connection broke: the same request again joins it. */
function away({ identity }: Announcement, error: unknown): Problem {
  const sentence =
    error instanceof NotConnectedError
      ? `The replica that leads ("${identity}") cannot be reached`
      : `The replica that leads ("${identity}") has broken off`;
  return new Problem(503, `${sentence}; if it has ended, another one takes over.`, {
    retryAfter: error instanceof NotConnectedError ? expired : handedOver,
    cause: error,
  });
}
