import { connect } from 'node:net';
import type { FuzzRequest } from './requests.ts';

/** What came back to bytes. */
export interface FuzzAnswer {
  /** Of the last head, past `100 Continue`; undefined where the connection was ended without one. */
  readonly status: number | undefined;
  readonly text: string;
}

const longestMs = 60_000;

/**
 * Sends a request on a connection of its own and takes what comes until its end. Of one that is not whole it says
 * that no more will come, upon which the other side need not answer.
 */
export function sendRequest(port: number, { bytes, whole }: FuzzRequest): Promise<FuzzAnswer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      if (whole) {
        socket.write(bytes);
      } else {
        socket.end(bytes);
      }
    });
    socket.setTimeout(longestMs, () => socket.destroy(new Error(`no answer within ${longestMs} ms`)));
    socket.on('data', (part) => parts.push(part));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The other side may end what it will not read to its end.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') {
        reject(error);
      }
    });
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, code]) => Number(code));
      resolve({ status: statuses.find((code) => code !== 100), text });
    });
  });
}
