import { readdirSync, readFileSync } from 'node:fs';
import { UntagUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { probe } from '../cluster/index.ts';
import { eventually } from '../support/process.ts';
import { account, gaps, isReady, restartsOf, type Hold, type Pod, type Release } from './release.ts';
import { people, releaseName, system, type Stage } from './stage.ts';

/** A hand-over, in milliseconds. */
const longestGap = 5_000;
/** `terminationGracePeriodSeconds` of the chart. */
const graceMs = 40_000;

const byName = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Pods that go one way or another, on any cluster. */
export function describeReplicas(stage: () => Stage, release: () => Release): void {
  describe('two replicas', () => {
    test('the leader’s pod is deleted under load: another leads within 5 s, and each account is made once', async () => {
      await release().twoReady();
      let holds: readonly Hold[] = [];
      await release().underLoad('gone', async () => {
        const before = await release().leader();
        holds = await release().holders(async () => {
          await stage().kubectl(['delete', 'pod', before, '-n', system, '--wait=false']);
          await release().handedOver(before, 30_000);
        });
      });
      expectShort(holds);
      await release().twoReady();
    });

    test('a restart of all pods under load loses nothing: another leads within 5 s, each time, and every request is answered', async () => {
      const before = await release().twoReady();
      let holds: readonly Hold[] = [];
      let unanswered: readonly string[] = ['nobody has asked'];
      await release().underLoad('rolled', async () => {
        unanswered = await release().unanswered(async () => {
          holds = await release().holders(async () => {
            await stage().kubectl(['rollout', 'restart', `deployment/${releaseName}`, '-n', system]);
            await stage().kubectl([
              'rollout',
              'status',
              `deployment/${releaseName}`,
              '-n',
              system,
              '--timeout=120s',
            ]);
            await release().twoReady();
            await leadsNot(before);
          });
        });
      });
      expect(unanswered).toEqual([]);
      expectShort(holds);
      for (const pod of await release().pods()) {
        expect(restartsOf(pod)).toBe(0);
      }
    });

    test('a node is drained under load: the budget keeps one pod until there is a place for another', async () => {
      const before = await release().twoReady();
      const node = (
        await stage().kubectl([
          'get',
          'pod',
          before[0]?.metadata.name ?? '',
          '-n',
          system,
          '-o',
          'jsonpath={.spec.nodeName}',
        ])
      ).trim();
      let holds: readonly Hold[] = [];
      try {
        await release().underLoad('drained', async () => {
          holds = await release().holders(async () => {
            const drain = stage().plane.kubectl([
              'drain',
              node,
              '--ignore-daemonsets',
              `--pod-selector=app.kubernetes.io/instance=${releaseName}`,
              '--timeout=180s',
            ]);
            const [left] = await eventually(
              async () => {
                const all = await release().pods({ all: true });
                const [first, ...others] = all.filter((each) => each.spec.nodeName === node);
                return first !== undefined && others.length === 0 ? [first] : undefined;
              },
              { withinMs: 60_000, everyMs: 250, what: 'one pod of the two to be gone' },
            );
            // It leads, and works: there is nobody else on this node.
            await eventually(
              async () => ((await release().leader()) === left?.metadata.name ? true : undefined),
              { withinMs: 30_000, everyMs: 100, what: 'the one that is left to lead' },
            );
            await stage().apply(account('alone'));
            await release().ready('awsaccount', 'alone');
            expect(left !== undefined && isReady(await release().pod(left.metadata.name))).toBe(true);
            // Another place, or this one again.
            await stage().kubectl(['uncordon', node]);
            const { code, stderr } = await drain;
            expect({ code, stderr }).toMatchObject({
              code: 0,
              stderr: expect.stringContaining("it would violate the pod's disruption budget"),
            });
            await leadsNot(before);
          });
        });
      } finally {
        await stage().kubectl(['uncordon', node]);
      }
      expectShort(holds);
      await release().twoReady();
    });

    test('SIGTERM amid slow work: it ends in time with 0, and nothing is done twice or by half', async () => {
      const names = byName('slow', 20);
      const before = await release().leader();
      const deeds = ['CreateUser', 'CreateLoginProfile', 'CreateAccessKey'] as const;
      const held = (finalizers: readonly string[] | null): Promise<void> =>
        stage().patch(`pod/${before}`, system, { metadata: { finalizers } });
      await stage().simulator.configure({ latencyMs: 500 });
      try {
        const spec = { console: { access: 'Managed' }, programmatic: { access: 'Managed' } };
        await stage().apply(...names.map((each) => account(each, spec)));
        await eventually(
          async () => ((await stage().simulator.user(names[0] ?? '')) === undefined ? undefined : true),
          { withinMs: 30_000, everyMs: 100, what: 'the first of them' },
        );
        // So that what became of its container can be read once it has ended.
        await held(['test.idhub.io/look']);
        const began = performance.now();
        await stage().kubectl(['delete', 'pod', before, '-n', system, '--wait=false']);
        const ended = await eventually(
          async () => (await release().pod(before)).status.containerStatuses?.[0]?.state?.terminated,
          { withinMs: 60_000, everyMs: 200, what: 'the end of its container' },
        );
        expect(ended).toMatchObject({ exitCode: 0, reason: 'Completed' });
        expect(performance.now() - began).toBeLessThan(graceMs);
        expect(await release().handedOver(before, 10_000)).toBeLessThan(longestGap);
      } finally {
        await held(null);
        await stage().simulator.configure({ latencyMs: 0 });
      }
      await release().allReady(names);
      for (const deed of deeds) {
        await release().madeOnce(names, deed);
      }
      for (const each of names) {
        const user = await stage().simulator.user(each);
        expect([each, user?.hasLoginProfile, user?.accessKeys.map(({ status }) => status)]).toEqual([
          each,
          true,
          ['Active'],
        ]);
        const data = JSON.parse(
          await stage().kubectl([
            'get',
            'secret',
            `${each}-credentials`,
            '-n',
            people,
            '-o',
            'jsonpath={.data}',
          ]),
        ) as Record<string, string>;
        expect(Object.values(data).map((text) => Buffer.from(text, 'base64').toString())).toContain(
          user?.accessKeys[0]?.accessKeyId,
        );
      }
      await release().twoReady();
    });
  });

  /** Waits until somebody leads who is none of these. */
  async function leadsNot(before: readonly Pod[]): Promise<void> {
    const old = new Set(['', ...before.map(({ metadata }) => metadata.name)]);
    await eventually(async () => (old.has(await release().leader()) ? undefined : true), {
      withinMs: 60_000,
      everyMs: 100,
      what: 'a leader that was not there before',
    });
  }
}

function expectShort(holds: readonly Hold[]): void {
  const found = gaps(holds);
  expect(found.length).toBeGreaterThan(0);
  expect(Math.max(...found)).toBeLessThan(longestGap);
}

/** What disturbs processes beside the pods: of a control plane and a node that are this test's alone. */
export const faults: readonly (readonly [
  title: string,
  run: (stage: Stage, release: Release) => Promise<void>,
])[] = [
  [
    'a leader that is frozen past its lease writes nothing when it goes on, and ends',
    async (stage, release) => {
      const before = await release.leader();
      const { podIP } = (await release.pod(before)).status;
      const restarts = restartsOf(await release.pod(before));
      const pid = processOf(before);
      let woken = 0;
      await stage.simulator.configure({ latencyMs: 200 });
      await release.underLoad('frozen', async () => {
        await eventually(
          async () => ((await stage.simulator.user('frozen0')) === undefined ? undefined : true),
          { withinMs: 30_000, everyMs: 50, what: 'work' },
        );
        process.kill(pid, 'SIGSTOP');
        await release.handedOver(before, 60_000);
        woken = Date.now();
        process.kill(pid, 'SIGCONT');
        await eventually(
          async () => (restartsOf(await release.pod(before)) === restarts + 1 ? true : undefined),
          { withinMs: 60_000, everyMs: 250, what: 'the end of the one that was frozen' },
        );
      });
      await stage.simulator.configure({ latencyMs: 0 });
      const calls = await release.changes();
      expect(calls.some(({ from, at }) => from === podIP && at < woken)).toBe(true);
      expect(calls.filter(({ from, at }) => from === podIP && at >= woken)).toEqual([]);
      const { status } = await release.pod(before);
      expect(status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 1 });
      expect(await stage.kubectl(['logs', before, '-n', system, '--previous'])).toContain(
        'the Lease was lost',
      );
      await release.twoReady();
    },
  ],
  [
    'the API server is gone for two minutes: pods live and are not ready, AWS is left alone; then all goes on',
    async (stage, release) => {
      const before = await release.twoReady();
      const leader = await release.leader();
      const names = byName('outage', 20);
      await stage.apply(account('amira', { tags: { team: 'dev' } }));
      await release.ready('awsaccount', 'amira');
      await stage.simulator.configure({ latencyMs: 500 });
      await stage.apply(...names.map((each) => account(each)));
      await eventually(
        async () => ((await stage.simulator.user(names[0] ?? '')) === undefined ? undefined : true),
        { withinMs: 30_000, everyMs: 100, what: 'the first of them' },
      );

      const { apiserver } = stage.plane.components;
      await apiserver.stop();
      const gone = { at: Date.now(), monotonic: performance.now() };
      const since = (): number => performance.now() - gone.monotonic;
      const looks: { readonly ms: number; readonly health: number; readonly ready: number }[] = [];
      let changed = false;
      await eventually(
        async () => {
          for (const { status } of before) {
            const at = `http://${status.podIP}:8080`;
            const [health, ready] = await Promise.all([probe(`${at}/healthz`), probe(`${at}/readyz`)]);
            looks.push({ ms: since(), health: health?.status ?? 0, ready: ready?.status ?? 0 });
          }
          if (!changed && since() > 45_000) {
            changed = true;
            await stage.iam.send(new UntagUserCommand({ UserName: 'amira', TagKeys: ['team'] }));
          }
          return since() > 120_000 ? true : undefined;
        },
        { withinMs: 180_000, everyMs: 1_000, what: 'two minutes' },
      );
      await stage.simulator.configure({ latencyMs: 0 });
      const back = Date.now();
      await apiserver.restart();

      // The Lease lasts for 15 s, and the kubelet then starts the one that led anew.
      const later = looks.filter(({ ms }) => ms > 40_000);
      expect(later.length).toBeGreaterThan(60);
      expect(later.filter(({ health, ready }) => health !== 200 || ready !== 503)).toEqual([]);
      await eventually(async () => ((await release.leader()) === '' ? undefined : true), {
        withinMs: 60_000,
      });
      // Nobody was restarted but the one that led and lost the Lease. The kubelet reports it some time after the API
      // server is back; until then pods are as they were.
      const expected = new Map(
        [...lives(before)].map(([name, restarts]) => [name, name === leader ? restarts + 1 : restarts]),
      );
      await eventually(
        async () => (restartsOf(await release.pod(leader)) === expected.get(leader) ? true : undefined),
        { withinMs: 120_000, everyMs: 500, what: 'the kubelet to report the restart of the one that led' },
      );
      await release.twoReady(180_000);
      expect(lives(await release.pods())).toEqual(expected);

      await eventually(
        async () => ((await stage.simulator.user('amira'))?.tags['team'] === 'dev' ? true : undefined),
        { withinMs: 120_000, everyMs: 500, what: 'what was changed meanwhile to be mended' },
      );
      await release.allReady(names);
      await release.madeOnce(names);
      await stage.apply(account('returned'));
      await release.ready('awsaccount', 'returned');
      const ours = new Set(before.map(({ status }) => status.podIP));
      const meanwhile = (await release.changes(gone.at + 15_000)).filter(
        ({ at, from }) => at < back && ours.has(from),
      );
      expect(meanwhile).toEqual([]);
    },
  ],
  [
    'etcd is restarted under load: nobody ends, and nothing is lost',
    async (stage, release) => {
      const before = await release.twoReady();
      await release.underLoad('etcd', async () => {
        await stage.plane.components.etcd.restart();
        await stage.apply(account('after-etcd'));
      });
      await release.ready('awsaccount', 'after-etcd');
      const after = await release.twoReady();
      expect(lives(after)).toEqual(lives(before));
    },
  ],
];

/** How often each was restarted, by name. */
function lives(pods: readonly Pod[]): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, restartsOf(pod)]));
}

/** The operator's process in a pod, by the pod's host name. */
function processOf(pod: string): number {
  const found = readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))
    .find((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/app/operator.mjs') &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOSTNAME=${pod}\0`)
        );
      } catch {
        // It ended in between.
        return false;
      }
    });
  if (found === undefined) {
    throw new Error(`no process of ${pod}`);
  }
  return Number(found);
}
