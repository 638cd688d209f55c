import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands between the operator and the simulator, and may answer that an account has nobody. */
export interface EmptyAws {
  readonly url: string;
  /** From now on listings are empty, complete and without an error. */
  empty: boolean;
  stop(): Promise<void>;
}

const answer =
  '<GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">' +
  '<GetAccountAuthorizationDetailsResult><IsTruncated>false</IsTruncated><UserDetailList/><GroupDetailList/>' +
  '<RoleDetailList/><Policies/></GetAccountAuthorizationDetailsResult>' +
  '<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>' +
  '</GetAccountAuthorizationDetailsResponse>';

/** @param target the simulator's address */
export async function startEmptyAws(target: string): Promise<EmptyAws> {
  let empty = false;
  const { hostname, port } = new URL(target);
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (empty && body.includes('Action=GetAccountAuthorizationDetails')) {
        response.writeHead(200, { 'content-type': 'text/xml' }).end(answer);
        return;
      }
      const { method, url: path, headers } = request;
      const forwarded = http.request({ method, path, headers, hostname, port }, (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
      });
      forwarded.on('error', () => response.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get empty() {
      return empty;
    },
    set empty(wanted) {
      empty = wanted;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
