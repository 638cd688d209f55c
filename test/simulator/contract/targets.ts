import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as iam from '@aws-sdk/client-iam';
import * as organizations from '@aws-sdk/client-organizations';
import * as sts from '@aws-sdk/client-sts';
import { eventually, freePort, startProcess } from '../../support/process.ts';
import { startSimulator } from '../index.ts';
import { referenceEnvironment } from './environment.ts';
import type { Output, Target } from './types.ts';

const accountId = '123456789012';

interface Endpoint {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

type Client = { send(command: unknown): Promise<Output>; destroy(): void };
type Module = Readonly<Record<string, unknown>>;

/** Unmodified SDK clients of the four services, at one endpoint. */
function clients(endpoint: Endpoint): { readonly send: Target['send']; readonly destroy: () => void } {
  const options = {
    endpoint: endpoint.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: endpoint.accessKeyId, secretAccessKey: endpoint.secretAccessKey },
  };
  const services: Readonly<Record<string, { readonly module: Module; readonly client: Client }>> = {
    iam: { module: iam, client: new iam.IAMClient(options) },
    sts: { module: sts, client: new sts.STSClient(options) },
    organizations: {
      module: organizations,
      client: new organizations.OrganizationsClient(options),
    },
    cloudtrail: {
      module: cloudtrail,
      client: new cloudtrail.CloudTrailClient(options),
    },
  };
  return {
    send: async (call, input) => {
      const [service = '', operation = ''] = call.split('.');
      const known = services[service];
      const command = known?.module[`${operation}Command`] as (new (input: unknown) => unknown) | undefined;
      if (known === undefined || command === undefined) {
        throw new Error(`the SDK has no ${call}`);
      }
      return known.client.send(new command(input));
    },
    destroy: () => {
      for (const { client } of Object.values(services)) {
        client.destroy();
      }
    },
  };
}

/** Members of the organisation that every target has. */
const memberNames = ['Payroll', 'Research'] as const;

const denyLeaving = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: 'organizations:LeaveOrganization', Resource: '*' }],
});

export async function simulatorTarget(): Promise<Target> {
  const simulator = await startSimulator({
    accounts: [{ id: accountId }],
    cloudTrail: { perSecond: 0 },
    organizations: {
      managementAccountId: accountId,
      units: { Staff: ['210987654321'] },
      members: memberNames.map((name, index) => ({
        id: index === 0 ? '210987654321' : '321098765432',
        name,
        email: `${name.toLowerCase()}@example.com`,
      })),
      serviceControlPolicies: [{ name: 'DenyLeaving', document: denyLeaving, targets: ['Staff'] }],
    },
  });
  const [account] = simulator.accounts;
  if (account === undefined) {
    throw new Error('the simulator has no account');
  }
  const { send, destroy } = clients({ url: simulator.url, ...account });
  return {
    name: 'simulator',
    variables: {
      account: accountId,
      ...(await organizationVariables(send)),
    },
    send,
    stop: async () => {
      destroy();
      await simulator.close();
    },
  };
}

export async function motoTarget(): Promise<Target> {
  const { python } = await referenceEnvironment('moto');
  const { endpoint, stop } = await startReference(python, (port) => ({
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    // Without it moto knows none of AWS's managed policies.
    env: { MOTO_IAM_LOAD_MANAGED_POLICIES: 'true', MOTO_ACCOUNT_ID: accountId },
    health: '/moto-api/',
  }));
  const { send, destroy } = clients(endpoint);
  await makeOrganization(send);
  return {
    name: 'moto',
    variables: { account: accountId, ...(await organizationVariables(send)) },
    send,
    stop: async () => {
      destroy();
      await stop();
    },
  };
}

export async function ministackTarget(): Promise<Target> {
  const { python } = await referenceEnvironment('ministack');
  const { endpoint, stop } = await startReference(python, (port) => ({
    args: ['-m', 'ministack'],
    env: {
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_ACCOUNT_ID: accountId,
      SERVICES: 'iam,sts,cloudtrail',
      CLOUDTRAIL_RECORDING: '1',
    },
    health: '/_ministack/health',
  }));
  const { send, destroy } = clients(endpoint);
  return {
    name: 'ministack',
    variables: { account: accountId },
    send,
    stop: async () => {
      destroy();
      await stop();
    },
  };
}

async function startReference(
  python: string,
  program: (port: number) => { args: readonly string[]; env: Record<string, string>; health: string },
): Promise<{ endpoint: Endpoint; stop: () => Promise<void> }> {
  const port = await freePort();
  const { args, env, health } = program(port);
  const running = startProcess(python, args, { env });
  const url = `http://127.0.0.1:${port}`;
  let ended: number | string | undefined;
  void running.exited.then((code) => {
    ended = code;
  });
  const up = await eventually(
    async () => {
      if (ended !== undefined) {
        return false;
      }
      const response = await fetch(`${url}${health}`);
      await response.text();
      return response.ok ? true : undefined;
    },
    { withinMs: 60_000, what: `${args.join(' ')} to listen` },
  );
  if (!up) {
    throw new Error(`${args.join(' ')} ended with ${ended}:\n${running.lines.slice(-20).join('\n')}`);
  }
  return {
    endpoint: { url, accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'unused' },
    stop: async () => {
      await running.stop();
    },
  };
}

/** The simulator is given its organisation; moto's is made through the API. */
async function makeOrganization(send: Target['send']): Promise<void> {
  await send('organizations.CreateOrganization', { FeatureSet: 'ALL' });
  const { Roots: roots } = (await send('organizations.ListRoots', {})) as { Roots: { Id: string }[] };
  const root = roots[0]?.Id;
  await send('organizations.EnablePolicyType', { RootId: root, PolicyType: 'SERVICE_CONTROL_POLICY' });
  const { OrganizationalUnit: unit } = (await send('organizations.CreateOrganizationalUnit', {
    ParentId: root,
    Name: 'Staff',
  })) as { OrganizationalUnit: { Id: string } };
  for (const name of memberNames) {
    const { CreateAccountStatus: made } = (await send('organizations.CreateAccount', {
      AccountName: name,
      Email: `${name.toLowerCase()}@example.com`,
    })) as { CreateAccountStatus: { AccountId: string } };
    if (name === 'Payroll') {
      await send('organizations.MoveAccount', {
        AccountId: made.AccountId,
        SourceParentId: root,
        DestinationParentId: unit.Id,
      });
    }
  }
  const { Policy: policy } = (await send('organizations.CreatePolicy', {
    Content: denyLeaving,
    Description: '',
    Name: 'DenyLeaving',
    Type: 'SERVICE_CONTROL_POLICY',
  })) as { Policy: { PolicySummary: { Id: string } } };
  await send('organizations.AttachPolicy', { PolicyId: policy.PolicySummary.Id, TargetId: unit.Id });
}

/** Ids that the cases name, found through the API that they test. */
async function organizationVariables(send: Target['send']): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  const { Organization: organization } = (await send('organizations.DescribeOrganization', {})) as {
    Organization: { Id: string };
  };
  variables['organization'] = organization.Id;
  const { Accounts: accounts } = (await send('organizations.ListAccounts', {})) as {
    Accounts: { Id: string; Name: string }[];
  };
  for (const { Id: id, Name: name } of accounts) {
    if (memberNames.some((known) => known === name)) {
      variables[name.toLowerCase()] = id;
    }
  }
  for (const [child, parent] of [
    ['payroll', 'unit'],
    ['research', 'root'],
  ] as const) {
    const { Parents: parents } = (await send('organizations.ListParents', {
      ChildId: variables[child],
    })) as { Parents: { Id: string }[] };
    variables[parent] = parents[0]?.Id ?? 'nothing-found';
  }
  return variables;
}
