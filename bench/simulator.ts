/**
 * The simulated AWS of a benchmark, as a process. Its account may hold as many users as the benchmark has
 * accounts and two more, beside those that are there from the beginning (IAM's quota of 5,000 would leave no room for the administrator and for the
 * communication user). The first line on standard output is what `npm run simulator` prints.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startSimulator } from '../test/simulator/index.ts';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '5000' },
    made: { type: 'string', default: '0' },
    accounts: { type: 'string', default: '1' },
    latency: { type: 'string', default: '0' },
  },
});
const simulator = await startSimulator({
  accounts: Array.from({ length: Number(values.accounts) }, () => ({
    users: Number(values.made),
    quotas: { users: Number(values.users) + Number(values.made) + 2 },
  })),
  latencyMs: Number(values.latency),
  enforcePolicies: true,
});
console.log(JSON.stringify({ port: simulator.port, accounts: simulator.accounts }));
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await simulator.close();
