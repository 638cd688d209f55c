import { afterEach } from '@jest/globals';
import { CloudTrail } from '@aws-sdk/client-cloudtrail';
import { IAM } from '@aws-sdk/client-iam';
import { Organizations } from '@aws-sdk/client-organizations';
import { STS } from '@aws-sdk/client-sts';
import { startSimulator, type RunningSimulator, type SimulatorOptions } from './index.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Unmodified SDK clients of one principal; no retries, so that a test sees each answer. */
export interface Clients {
  readonly iam: IAM;
  readonly sts: STS;
  readonly organizations: Organizations;
  readonly cloudTrail: CloudTrail;
}

export interface Bench extends Clients {
  readonly simulator: RunningSimulator;
  readonly control: RunningSimulator['control'];
  /** Id of the first account. */
  readonly account: string;
  as(this: void, credentials: Credentials, region?: string): Clients;
  /** Clients of a new access key of the user. */
  asUser(this: void, userName: string): Promise<Clients>;
}

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((end) => end()));
});

/** A simulator for one test, with clients of its first account's administrator; it ends with the test. */
export async function bench(options: SimulatorOptions = {}): Promise<Bench> {
  const simulator = await startSimulator({ seed: 1, ...options });
  open.push(() => simulator.close());
  const as = (credentials: Credentials, region = 'us-east-1'): Clients => {
    const config = { endpoint: simulator.url, region, credentials, maxAttempts: 1 };
    const clients = {
      iam: new IAM(config),
      sts: new STS(config),
      organizations: new Organizations(config),
      cloudTrail: new CloudTrail(config),
    };
    open.push(async () => {
      Object.values(clients).forEach((client) => client.destroy());
    });
    return clients;
  };
  const [first] = simulator.accounts;
  if (first === undefined) {
    throw new Error('the simulator has no account');
  }
  const admin = as(first);
  return {
    ...admin,
    simulator,
    control: simulator.control,
    account: first.id,
    as,
    asUser: async (UserName) => {
      const { AccessKey } = await admin.iam.createAccessKey({ UserName });
      return as({
        accessKeyId: AccessKey?.AccessKeyId ?? '',
        secretAccessKey: AccessKey?.SecretAccessKey ?? '',
      });
    },
  };
}

/** The error of a call, as `name: message`, or `OK`. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** The name of a call's error, or `OK`. */
export async function code(call: Promise<unknown>): Promise<string> {
  return (await outcome(call)).split(':')[0] ?? '';
}

/** A clock that stands still until it is moved. */
export function manualClock(start = Date.UTC(2026, 0, 1)): { now: () => number; advance(ms: number): void } {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}

export const policyDocument = (...statements: readonly Readonly<Record<string, unknown>>[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

export const ALLOW_ALL = policyDocument({ Effect: 'Allow', Action: '*', Resource: '*' });
export const DENY_ALL = policyDocument({ Effect: 'Deny', Action: '*', Resource: '*' });
