import { CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { sharedControlPlane, type ControlPlane } from '../cluster/index.ts';
import { communicationUser, startWorld, type World } from '../e2e/world.ts';
import {
  invalidExamples,
  manifestOf,
  parseInvalidExample,
  refusalProblem,
  type InvalidExample,
} from './invalid.ts';

jest.setTimeout(120_000);

const namespace = 'invalid-examples';
type Resource = Parameters<World['until']>[0];

const kinds: Readonly<Record<string, Resource>> = {
  AwsAccount: 'awsaccount',
  AwsConnection: 'awsconnection',
  AwsEntitlementBinding: 'awsentitlementbinding',
  AwsReconciliation: 'awsreconciliation',
};

const examples = await invalidExamples();
let plane: ControlPlane;
let world: World;

beforeAll(async () => {
  plane = sharedControlPlane();
  await plane.installCrds();
  world = await startWorld({ plane, namespace, operator: ['--snapshot-interval=2s'] });
});

afterAll(async () => {
  await world?.stop();
});

/** As a person applies it, but for the namespace. */
function apply(text: string): ReturnType<ControlPlane['kubectl']> {
  const stdin = text.replaceAll('namespace: idhub-demo', `namespace: ${namespace}`);
  return plane.kubectl(['apply', '--validate=strict', '-f', '-'], { stdin });
}

/** An account that stands for a user already has to do so before the example comes. */
async function prepare(before: string): Promise<void> {
  await accept(before);
  const { kind, metadata } = manifestOf(before);
  if (kind === 'AwsAccount') {
    await world.until('awsaccount', metadata.name, { status: 'True' });
  }
}

/** Connections speak to the simulated AWS, unless the example is about endpoints. */
async function accept(text: string): Promise<void> {
  const manifest = manifestOf(text);
  const endpoints = { iam: world.simulatorUrl, sts: world.simulatorUrl };
  const aimed =
    manifest.kind === 'AwsConnection' && manifest.spec?.endpoints === undefined
      ? JSON.stringify({
          ...manifest,
          metadata: { ...manifest.metadata, namespace },
          spec: { ...manifest.spec, endpoints },
        })
      : text;
  expect(await apply(aimed)).toMatchObject({ code: 0 });
}

async function conditionOf(example: InvalidExample): Promise<string> {
  const { kind, metadata } = manifestOf(example.text);
  const { expect: expected } = example;
  if (expected.at !== 'condition') {
    throw new Error(`${example.file} expects no condition`);
  }
  const { type, status, reason } = expected;
  const resource = kinds[kind] ?? 'awsaccount';
  return (await world.until(resource, metadata.name, { type, status, reason })).message;
}

/** What a condition's message lacks; undefined where it says all that the example promises. */
function sentenceProblem(example: InvalidExample, message: string): string | undefined {
  const missing = example.says.filter((sentence) => !message.includes(sentence));
  return missing.length === 0 ? undefined : `not said: ${missing.join(' | ')}, but: ${message}`;
}

describe('examples/invalid', () => {
  test('has at least twenty kinds of wrong input', () => {
    expect(examples.length).toBeGreaterThanOrEqual(20);
  });

  test('a file that is accepted is noticed, and so is one that says something else', async () => {
    const text = `# expect: apply
# says: never said
apiVersion: aws.idhub.io/v1alpha1
kind: AwsAccount
metadata:
  name: right
  namespace: idhub-demo
spec:
  connectionRef:
    name: not-there
  userName: right
`;
    const right = parseInvalidExample('right.yaml', text);
    expect(refusalProblem(right, await apply(text))).toBe('right.yaml was accepted, and must be refused');
    const wrong = text.replace('userName: right', 'userName: wr/ong');
    expect(refusalProblem(right, await apply(wrong))).toContain('without saying: never said');
  });

  test.each(examples.filter((each) => each.expect.at === 'apply').map((each) => [each.file, each] as const))(
    '%s is refused at apply',
    async (_, example) => {
      if (example.before !== undefined) {
        expect(await apply(example.before)).toMatchObject({ code: 0 });
      }
      expect(refusalProblem(example, await apply(example.text))).toBeUndefined();
    },
  );

  const shown = examples.filter((each) => each.expect.at === 'condition');

  test.each(
    shown.filter((each) => each.operatorFlag === undefined).map((each) => [each.file, each] as const),
  )('%s is said in a condition', async (_, example) => {
    if (example.before !== undefined) {
      await prepare(example.before);
    }
    if (example.exists !== undefined) {
      await world.iam.send(new CreateUserCommand({ UserName: example.exists }));
    }
    await accept(example.text);
    expect(sentenceProblem(example, await conditionOf(example))).toBeUndefined();
  });

  test('nothing of it reached AWS, but for the users that are right', async () => {
    const writes = (await world.simulator.writes()).filter(
      ({ principal, code }) => principal.endsWith(`/${communicationUser}`) && code === 'OK',
    );
    // One was there before; of the other only the password is wrong.
    expect(writes.map(({ operation, user }) => `${operation} ${user}`)).toEqual([
      'CreateUser condition-password-secret-not-found',
      'CreateUser jo.twice',
    ]);
  });

  test.each(
    shown.flatMap((each) =>
      each.operatorFlag === undefined ? [] : [[each.file, each.operatorFlag, each] as const],
    ),
  )('%s is said in a condition by an operator with %s', async (_, flag, example) => {
    await accept(example.text);
    await world.operator.stop();
    await world.startOperator([flag]);
    expect(sentenceProblem(example, await conditionOf(example))).toBeUndefined();
  });
});
