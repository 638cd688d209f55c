/** The simulator in a pod: it listens on its own machine alone, and this hands on what comes from others. */
import { createServer, connect } from 'node:net';
import { startSimulator } from '../simulator/index.ts';

const simulator = await startSimulator({ port: 0, enforcePolicies: true });
const server = createServer((socket) => {
  const inner = connect(simulator.port, '127.0.0.1');
  socket.pipe(inner).pipe(socket);
  for (const [one, other] of [
    [socket, inner],
    [inner, socket],
  ] as const) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
}).listen(4566, '0.0.0.0', () => console.log(JSON.stringify({ accounts: simulator.accounts })));

process.once('SIGTERM', () => {
  server.close();
  void simulator.close().then(() => process.exit(0));
});
