import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { sharedControlPlane } from '../cluster/index.ts';
import {
  fillAws,
  GitOps,
  IdhubStory,
  stageIdhub,
  strikeIdhub,
  untilListed,
  type IdhubStage,
  type Teller,
} from '../idhub/index.ts';
import { eventually } from '../support/process.ts';
import { snapshotEvery } from './support.ts';
import { connectionManifest, secretManifest, startWorld, systemNamespace, type World } from './world.ts';

const namespace = 'e2e-idhub';
jest.setTimeout(180_000);
let world: World;
let stage: IdhubStage;
let gitops: GitOps;

/** Each check is an expectation; the first that fails ends the story, with all that came before. */
const told: string[] = [];
const teller: Teller = {
  say: (text) => void told.push(text),
  check: async (what, probe, withinMs = 15_000) => {
    told.push(`  ${what}`);
    try {
      await eventually(async () => ((await probe()) ? true : undefined), { withinMs, everyMs: 100, what });
    } catch (error) {
      throw new Error(`${told.join('\n')}\n  ... is not so\n${world.operator.lines.slice(-15).join('\n')}`, {
        cause: error,
      });
    }
  },
};

beforeAll(async () => {
  const plane = sharedControlPlane();
  await plane.installCrds();
  stage = await stageIdhub({ systemNamespace, namespace, connection: 'aws', name: 'e2e-idhub' });
  world = await startWorld({
    plane,
    namespace,
    start: false,
    operator: [snapshotEvery, ...stage.flags],
  });
  await fillAws(world);
  await world.apply(...stage.secrets);
  await world.startOperator();
  await world.apply(
    secretManifest(namespace, 'aws-credentials', world.credentials),
    connectionManifest(namespace, 'aws', world.simulatorUrl),
  );
  await world.until('awsconnection', 'aws', { status: 'True' });
  gitops = new GitOps(world, world.accountManifest('gita', { userName: 'gita', enabled: true }));
  gitops.start();
  await world.until('awsaccount', 'gita', { status: 'True' }).catch(() => undefined);
});

afterAll(async () => {
  await gitops?.stop();
  await world?.stop();
  await strikeIdhub(stage, world);
});

test('IDHub, from onboarding to the stale check, with 300 users that nobody declared and Git in the way', async () => {
  const { basic, bearer } = await stage.clients(world.operator);
  await untilListed(basic);
  await new IdhubStory({ world, basic, bearer, gitops, inGit: 'gita', teller }).play();
  expect(told.filter((line) => line.startsWith('  ')).length).toBeGreaterThan(25);
});

test('no password and no token of it is in the log', () => {
  const log = world.operator.lines.join('\n');
  expect(log).toContain('"msg":"audit"');
  for (const secret of [
    'Nanosecond-1906!',
    'Microsecond-1947!',
    'Another-Password-1!',
    'a-password-of-a-test',
  ]) {
    expect(log.includes(secret)).toBe(false);
  }
  expect(log).not.toMatch(/eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./);
});
