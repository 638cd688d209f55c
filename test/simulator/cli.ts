import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startSimulator } from './index.ts';

const HELP = `An AWS of IAM, STS, Organizations and CloudTrail in memory, for tests, demo and benchmarks.

npm run simulator -- [options]

  --port N               TCP port on 127.0.0.1 (default 4566; 0 takes a free one)
  --accounts N           how many accounts (default 1)
  --users N              users made in each account before the start (default 0)
  --latency MS           delay of every answer (default 0)
  --enforce-policies     decide by the caller's identity policies (default: all is allowed)
  --rate-limit R[:B]     IAM calls a second in each account, and burst (default: none)
  --consistency-delay MS reads lag behind writes by so much (default 0)
  --short-pages          list calls give short and empty pages that have more to come
  --organization         the accounts form an organisation, managed by the first
  --seed N               the same ids and keys each time
  --help                 this text

The first line on standard output is JSON: {"port", "accounts": [{"id", "accessKeyId", "secretAccessKey"}]}.
Control: GET /_simulator/calls, /_simulator/writes, /_simulator/faults, /_simulator/accounts/{id};
POST /_simulator/reset, /_simulator/faults, /_simulator/clock, /_simulator/settings.`;

function number(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  const result = Number(value);
  if (!Number.isFinite(result) || result < 0) {
    throw new Error(`--${flag} takes a number, not ${value}`);
  }
  return result;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      accounts: { type: 'string' },
      users: { type: 'string' },
      latency: { type: 'string' },
      'enforce-policies': { type: 'boolean' },
      'rate-limit': { type: 'string' },
      'consistency-delay': { type: 'string' },
      'short-pages': { type: 'boolean' },
      organization: { type: 'boolean' },
      seed: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return;
  }
  const users = number('users', values.users) ?? 0;
  const seed = number('seed', values.seed);
  const [perSecond, burst] = values['rate-limit']?.split(':').map((part) => number('rate-limit', part)) ?? [];
  const simulator = await startSimulator({
    port: number('port', values.port) ?? 4566,
    accounts: Array.from({ length: number('accounts', values.accounts) ?? 1 }, () => ({ users })),
    latencyMs: number('latency', values.latency) ?? 0,
    enforcePolicies: values['enforce-policies'] ?? false,
    ...(perSecond === undefined ? {} : { rateLimit: { perSecond, burst: burst ?? perSecond } }),
    consistencyDelayMs: number('consistency-delay', values['consistency-delay']) ?? 0,
    shortPages: values['short-pages'] ?? false,
    ...(values.organization === true ? { organizations: {} } : {}),
    ...(seed === undefined ? {} : { seed }),
  });
  console.log(JSON.stringify({ port: simulator.port, accounts: simulator.accounts }));
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await simulator.close();
}

try {
  await main();
} catch (error) {
  console.error(`simulator: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
