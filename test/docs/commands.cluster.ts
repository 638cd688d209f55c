import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { CreateGroupCommand, CreateUserCommand, type IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ensureHelm } from '../chart/helm.ts';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { communicationUser, makeCommunicationUser, simulatedAws } from '../e2e/world.ts';
import { SimulatorControl } from '../simulator/index.ts';
import { startProcess, type StartedProcess } from '../support/process.ts';
import { commandsOf, filledIn } from './commands.ts';
import { pages } from './pages.ts';

jest.setTimeout(300_000);

const root = join(import.meta.dirname, '../..');
const namespace = 'idhub-demo';
const system = 'idhub-system';

/** Where commands are typed: all of the repository is there, and what they write is not left in it. */
const home = mkdtempSync(join(tmpdir(), 'idhub-docs-'));
const variables: Record<string, string> = {};
let plane: ControlPlane;
let simulator: StartedProcess | undefined;
let aws = '';
let iam: IAMClient;
let control: SimulatorControl;
let operator: StartedProcess | undefined;
/** HOST:PORT of the operator. */
let port = '';

beforeAll(async () => {
  const helm = await ensureHelm();
  plane = await startControlPlane();
  simulator = startProcess(process.execPath, [
    join(root, 'test/simulator/cli.ts'),
    '--port=0',
    '--enforce-policies',
  ]);
  ({ url: aws, iam } = await simulatedAws(simulator));
  control = new SimulatorControl(aws);
  const credentials = await makeCommunicationUser(iam, communicationUser);
  await iam.send(new CreateGroupCommand({ GroupName: 'sales' }));
  for (const entry of readdirSync(root).filter((name) => name !== '.git')) {
    symlinkSync(join(root, entry), join(home, entry));
  }
  Object.assign(variables, {
    PATH: [dirname(plane.kubectlPath), dirname(helm), process.env['PATH']].join(delimiter),
    KUBECONFIG: kubeconfig(),
    HELM_CACHE_HOME: join(home, 'helm-cache'),
    HELM_CONFIG_HOME: join(home, 'helm-config'),
    HELM_DATA_HOME: join(home, 'helm-data'),
    ACCESS_KEY_ID: credentials.accessKeyId,
    SECRET_ACCESS_KEY: credentials.secretAccessKey,
    DOT_ENV: join(home, 'vendor.env'),
  });
  await useControlPlane();
  // Helm is built where the cache does not have it.
}, 1_800_000);

afterAll(async () => {
  await operator?.stop();
  await simulator?.stop();
  await plane?.stop();
  rmSync(home, { recursive: true, force: true });
});

function kubeconfig(): string {
  return join(home, 'kubeconfig');
}

async function useControlPlane(): Promise<void> {
  writeFileSync(kubeconfig(), readFileSync(plane.kubeconfigPath), { mode: 0o600 });
  await shell(`kubectl config set-context --current --namespace=${namespace}`);
}

async function shell(script: string, fails = false): Promise<string> {
  const process_ = startProcess('bash', ['-euo', 'pipefail', '-c', script], { env: variables, cwd: home });
  const code = await process_.exited;
  const output = process_.lines.join('\n');
  if ((code !== 0) !== fails) {
    throw new Error(`${script}\nended with ${code}:\n${output}`);
  }
  return output;
}

/** What somebody else has done, or has, before a command. */
const given: Readonly<Record<string, () => Promise<void>>> = {
  // In place of the pods of the chart, which have no node here, and with their rights.
  'an operator': async () => {
    const { kubeconfigPath } = await plane.serviceAccount(system, 'idhub-aws-connector');
    operator = startProcess(process.execPath, [
      join(root, 'dist/operator.mjs'),
      `--kubeconfig=${kubeconfigPath}`,
      '--leader-elect',
      '--metrics-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      '--http-auth-secret=idhub-callers',
      `--default-connection=${namespace}/aws`,
      '--allow-endpoint-override',
      '--snapshot-interval=5s',
    ]);
    const line = await operator.line((each) => each.includes('webhook and reports'));
    port = `127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
  },
  'a user to look at': async () => {
    await iam.send(new CreateUserCommand({ UserName: 'legacy-backup' }));
  },
  'an .env': async () => {
    const values = {
      AWS_ACCESS_KEY: 'placeholder-key',
      AWS_SECRET_ACCESS_KEY: 'placeholder-secret',
      IDHUB_HOSTNAME: 'idhub.test',
      KEYCLOAK_CLIENT_ID: 'AWS-connector',
      KEYCLOAK_REALM: 'alpha',
      KEYCLOAK_REFRESH_TOKEN: 'placeholder-token',
    };
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    writeFileSync(variables['DOT_ENV'] ?? '', lines.join('\n'));
    // A namespace that would be made is not there for what would be made in it.
    await plane.createNamespace('idhub-aws');
  },
  'a schedule': async () => {
    await shell(`kubectl patch awsconn aws --type=merge -p '{"spec":{"reconciliation":{"interval":"6h"}}}'`);
  },
  'a run and its reader': async () => {
    await shell(
      [
        `kubectl apply -f - <<< '{"apiVersion":"aws.idhub.io/v1alpha1","kind":"AwsReconciliation","metadata":{"name":"nightly"},"spec":{"connectionRef":{"name":"aws"}}}'`,
        'kubectl create serviceaccount report-reader',
        'kubectl create role report-reader --verb=get --resource=awsreconciliations.aws.idhub.io/report',
        `kubectl create rolebinding report-reader --role=report-reader --serviceaccount=${namespace}:report-reader`,
      ].join('\n'),
    );
  },
  'the password of IDHub': async () => {
    const caller = await shell(
      `kubectl get secret idhub-callers -n ${system} -o jsonpath='{.data.basic\\.idhub}' | base64 -d`,
    );
    variables['CALLER'] = caller.replace(/^idhub:/, '');
  },
  'no pause': async () => void (await shell('kubectl annotate awsconn aws aws.idhub.io/paused-')),
  'no object that is not Ready': async () => {
    await shell(`kubectl patch awsacc legacy-backup --type=merge -p '{"spec":{"management":"Observe"}}'`);
    await shell('kubectl wait awsacc --all --for=condition=Ready --timeout=1m');
  },
  // All that comes after it is of that one.
  'a rebuilt cluster': async () => {
    await operator?.stop();
    await plane.stop();
    plane = await startControlPlane();
    await useControlPlane();
    await control.resetCalls();
  },
  'the end of the operator': async () => void (await operator?.stop()),
};

/** What is to be so after a command. */
const holds: Readonly<Record<string, () => Promise<void>>> = {
  'nothing was written to AWS': async () => expect(await control.writes()).toEqual([]),
};

function known<T>(all: Readonly<Record<string, T>>, name: string): T {
  const found = all[name];
  if (found === undefined) {
    throw new Error(`the suite does not know "${name}"`);
  }
  return found;
}

/** Of tables, what the columns are. */
function headings(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => /^[A-Z]+( +[A-Z]+)+ *$/.test(line))
    .map((line) => line.trim().replaceAll(/ +/g, ' '));
}

const here = pages
  .map(({ page, runs }) => {
    const commands = commandsOf(page, readFileSync(join(root, page), 'utf8'));
    const both = runs.map((run, index) => ({ run, command: commands[index] }));
    return {
      page,
      steps: [
        ...both.filter(({ run }) => run.last !== true),
        ...both.filter(({ run }) => run.last === true),
      ].filter(({ run }) => run.elsewhere === undefined),
    };
  })
  .filter(({ steps }) => steps.length > 0);

test.each(here)('$page: each command does what it is said to do', async ({ steps }) => {
  for (const { command, run } of steps) {
    if (command?.script.startsWith(run.begins) !== true) {
      throw new Error(`"${run.begins}" is not where the table has it: see test/docs/commands.test.ts`);
    }
    if (run.given !== undefined) {
      await known(given, run.given)();
    }
    const typed = filledIn(command.script, run.replace ?? {})
      .replaceAll('SIMULATED_AWS', aws)
      .replaceAll(/https?:\/\/(?:127\.0\.0\.1|connector\.example\.com):7002/g, `http://${port}`)
      .replaceAll(/^kubectl port-forward .* &$/gm, '')
      .replaceAll(/^curl /gm, 'curl -s --fail-with-body ');
    const output = await shell(typed, run.fails);
    if (run.says !== undefined) {
      expect(output).toMatch(run.says);
    }
    if (run.holds !== undefined) {
      await known(holds, run.holds)();
    }
    if (command.shown !== undefined) {
      expect(headings(command.shown).length).toBeGreaterThan(0);
      expect(headings(output)).toEqual(headings(command.shown));
    }
  }
});
