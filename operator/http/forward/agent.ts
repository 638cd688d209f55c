import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:http';
import { connect as connectPlain, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of certificates of which it must have one; undefined: it speaks no TLS. */
  readonly fingerprints: readonly string[] | undefined;
}

/** A connection was not made: nothing was sent. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** Under the 5 s after which the other side ends a connection that nobody uses. */
const idleMs = 3_000;
const connectMs = 2_000;

/**
 * Connections to one replica, kept for the next requests. Nothing is sent to one that has another certificate than
 * it should have.
 */
export class ReplicaAgent extends Agent {
  readonly target: Target;

  constructor(target: Target) {
    super({ keepAlive: true, scheduling: 'lifo', timeout: idleMs });
    this.target = target;
  }

  override createConnection(
    _options: object,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { host, port, fingerprints } = this.target;
    // Whom the certificate names does not count: the replica is called by its address.
    const socket: Socket =
      fingerprints === undefined
        ? connectPlain({ host, port, noDelay: true })
        : connectTls({
            host,
            port,
            rejectUnauthorized: false,
            minVersion: 'TLSv1.2',
            ALPNProtocols: ['http/1.1'],
          });
    const settle = (error: Error | undefined): void => {
      socket.setTimeout(0);
      socket.removeAllListeners('error').removeAllListeners('timeout');
      if (error === undefined) {
        callback?.(null, socket);
        return;
      }
      socket.once('error', () => undefined);
      socket.destroy();
      callback?.(new NotConnectedError(error.message, { cause: error }), socket);
    };
    socket.setTimeout(connectMs, () => settle(new Error('no connection in time')));
    socket.once('error', settle);
    socket.once(fingerprints === undefined ? 'connect' : 'secureConnect', () => {
      settle(
        fingerprints === undefined || isKnown(socket as TLSSocket, fingerprints)
          ? undefined
          : new Error('it has another certificate than it says'),
      );
    });
    return undefined;
  }
}

/** As `X509Certificate.fingerprint256` tells it, of the first certificate in PEM. */
export function fingerprintOf(pem: Buffer): string {
  return new X509Certificate(pem).fingerprint256;
}

function isKnown(socket: TLSSocket, fingerprints: readonly string[]): boolean {
  return fingerprints.includes(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
}
