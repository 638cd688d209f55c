import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/**
 * One GET on a connection of its own: the HTTP status and the body, or `undefined` when nobody answers
 * within `timeoutMs` (default 2,000). Never rejects.
 */
export function probe(
  url: string,
  options: {
    readonly ca?: string;
    readonly token?: string;
    readonly socketPath?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  return new Promise((resolve) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(
      url,
      {
        agent: false,
        timeout: options.timeoutMs ?? 2_000,
        headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
      },
      (response) => {
        const body: string[] = [];
        response
          .setEncoding('utf8')
          .on('data', (text: string) => body.push(text))
          .once('end', () => resolve({ status: response.statusCode ?? 0, body: body.join('') }))
          .once('error', () => resolve(undefined));
      },
    );
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(undefined));
    request.once('close', () => resolve(undefined));
    request.end();
  });
}
