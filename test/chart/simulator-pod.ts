/**
 * The simulator in a pod: it listens on its own machine alone, and this hands on what comes from others. A line of
 * its output for each call of AWS, with the address that it came from: who called, where several sign with one key.
 */
import { createServer, request } from 'node:http';
import { startSimulator } from '../simulator/index.ts';
import type { Call } from './calls.ts';

const simulator = await startSimulator({ port: 0, enforcePolicies: true });
// An idle connection is not closed in the very moment in which a client uses it again.
const server = createServer({ keepAliveTimeout: 3_600_000 }, (asked, answer) => {
  const parts: Buffer[] = [];
  asked.on('data', (part: Buffer) => parts.push(part));
  asked.once('end', () => {
    const body = Buffer.concat(parts);
    const form = new URLSearchParams(body.toString());
    const operation = form.get('Action');
    if (operation !== null) {
      const call: Call = {
        at: Date.now(),
        from: asked.socket.remoteAddress ?? '',
        operation,
        user: form.get('UserName') ?? '',
      };
      console.log(JSON.stringify(call));
    }
    // Signatures cover headers: each goes on as it came.
    const { method, url: path, rawHeaders: headers } = asked;
    const inner = request({ host: '127.0.0.1', port: simulator.port, method, path, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.rawHeaders);
      given.pipe(answer);
    });
    inner.once('error', () => answer.destroy());
    answer.once('close', () => inner.destroy());
    inner.end(body);
  });
}).listen(4566, '0.0.0.0', () => console.log(JSON.stringify({ accounts: simulator.accounts })));

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void simulator.close().then(() => process.exit(0));
});
