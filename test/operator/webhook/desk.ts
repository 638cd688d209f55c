import { createHmac } from 'node:crypto';
import {
  OperationDesk,
  type Operation,
  type OperationHost,
  type Standing,
} from '../../../src/idhub/operations/index.ts';
import { OperationConfigMaps, OperationSecret } from '../../../operator/webhook/index.ts';
import { FakeClient, FakeStore } from '../runtime/fake-api.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { aws, FakeAccount } from '../../src/idhub/operations/given.ts';

export const waitMs = 20_000;

/** A process that leads, on a cluster and an AWS that outlive it. */
export interface Process {
  readonly client: FakeClient;
  readonly desk: OperationDesk;
  readonly store: OperationConfigMaps;
  /** What it could not do at once. */
  readonly troubles: string[];
  readonly protectedValues: string[];
  readonly audited: object[];
  /** It is killed: whatever it does from here on is not seen. */
  readonly kill: () => void;
  readonly submit: (...operations: Operation[]) => Promise<readonly Standing[]>;
}

/** A cluster, an AWS and a clock. */
export class World {
  readonly store = new FakeStore();
  readonly clock = new FakeClock(Date.UTC(2026, 10, 26, 12));
  readonly account = new FakeAccount();
  readonly #host: OperationHost | undefined;
  readonly #processes: Process[] = [];

  /** @param options.host another AWS in the place of `account` */
  constructor(options: { readonly host?: OperationHost } = {}) {
    this.#host = options.host;
  }

  async start(
    options: {
      readonly atOnce?: number;
      /** Called before a record is looked for. */
      readonly hold?: (operationId: string) => void;
    } = {},
  ): Promise<Process> {
    const client = new FakeClient(this.store);
    const ending = new AbortController();
    const troubles: string[] = [];
    const protectedValues: string[] = [];
    const audited: object[] = [];
    const place = { client, namespace: 'idhub-system', clock: this.clock };
    const store = new OperationConfigMaps(place);
    const desk = new OperationDesk({
      store: {
        put: (...put) => store.put(...put),
        find: async (...find) => {
          options.hold?.(find[1]);
          return store.find(...find);
        },
      },
      promises: new OperationSecret({
        ...place,
        protectSecret: (value) => protectedValues.push(value),
        unreadable: (key) => troubles.push(`unreadable ${key}`),
      }),
      host: ({ name }) => (name === aws.name ? (this.#host ?? this.account) : undefined),
      digest: async (scope, text) => createHmac('sha256', 'key').update(`${scope}\n${text}`).digest('hex'),
      clock: this.clock,
      trouble: (operationId, error) => troubles.push(`${operationId}: ${(error as Error).message}`),
      audit: ({ connection: { name: _name }, ...line }) => audited.push(line),
      waitMs,
      atOnce: options.atOnce ?? 8,
    });
    desk.run(ending.signal).catch(() => undefined);
    const made: Process = {
      client,
      desk,
      store,
      troubles,
      protectedValues,
      audited,
      kill: () => {
        client.fail = () => {
          throw new Error('killed');
        };
        ending.abort(new Error('killed'));
      },
      submit: (...operations) =>
        desk.submit(aws, operations, {
          caller: 'idhub',
          requestId: 'r',
          signal: new AbortController().signal,
        }),
    };
    this.#processes.push(made);
    await settle();
    return made;
  }

  /** What is kept in the cluster, as text. */
  kept(plural: 'configmaps' | 'secrets'): string {
    return JSON.stringify(
      this.store
        .list(plural)
        .map((object) => (object as { data?: Record<string, string> }).data ?? {})
        .map((data) =>
          plural === 'secrets'
            ? Object.values(data).map((text) => Buffer.from(text, 'base64').toString('utf8'))
            : Object.values(data),
        ),
    );
  }
}

export const create = (operationId: string, userName: string): Operation => ({
  operationId,
  kind: 'create',
  data: { userName },
});
