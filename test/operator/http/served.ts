import { afterEach } from '@jest/globals';
import { connect } from 'node:net';
import type { Access, KubernetesUser } from '../../../operator/http/auth/index.ts';
import {
  Origins,
  Problem,
  startConnectorServer,
  type Answered,
  type Authenticator,
  type ConnectorServer,
  type ConnectorServerOptions,
  type Limits,
} from '../../../operator/http/frame/index.ts';
import { reportsMount, type OpenedReport } from '../../../operator/http/reports/index.ts';
import { createLogger, type ObjectKey } from '../../../operator/runtime/index.ts';
import { FakeClock } from '../runtime/fake-clock.ts';

/** As it is, so that what is written is seen at once. */
export const bearer = { authorization: 'Bearer jo-token', 'accept-encoding': 'identity' };
const jo: KubernetesUser = { name: 'jo', uid: undefined, groups: [], extra: {} };

/** Tokens `NAME-token` stand for NAME; who may read is told. */
export class FakeAccess implements Access {
  /** Runs and tokens that were asked about. */
  readonly asked: string[] = [];
  readers = ['jo'];
  fail: (signal: AbortSignal) => Promise<void> | void = () => undefined;

  async authenticate(token: string, signal: AbortSignal): Promise<KubernetesUser | undefined> {
    this.asked.push(token);
    await this.fail(signal);
    const [, name] = /^([a-z]+)-token$/.exec(token) ?? [];
    return name === undefined ? undefined : { ...jo, name };
  }

  mayReadReport(caller: KubernetesUser, run: ObjectKey): Promise<boolean> {
    this.asked.push(`${caller.name} ${run.namespace}/${run.name}`);
    return Promise.resolve(this.readers.includes(caller.name));
  }
}

/** `Bearer NAME-token` is NAME, who may use connections of the namespace `team`. */
export const fakeAuthenticator: Authenticator = {
  authenticate: async ({ headers }) => {
    const [, name] = /^Bearer ([a-z]+)-token$/.exec(headers.authorization ?? '') ?? [];
    if (name === undefined) {
      throw new Problem(401, 'Who are you?', { headers: { 'www-authenticate': 'Bearer' } });
    }
    return { name, may: ({ namespace }) => namespace === 'team' };
  },
};

export interface ServedFrame {
  readonly url: string;
  readonly port: number;
  readonly server: ConnectorServer;
  readonly clock: FakeClock;
  /** Lines of the log. */
  readonly log: Record<string, unknown>[];
  readonly answered: Answered[];
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
}

export interface Served extends ServedFrame {
  readonly access: FakeAccess;
}

const running = new Set<ConnectorServer>();

afterEach(async () => {
  await Promise.all([...running].map((server) => server.close(0)));
  running.clear();
});

/** The port on a free one, which ends with the test. There are the connections `team/aws` (the default) and `other/aws`. */
export async function serveMounts(
  options: Pick<ConnectorServerOptions, 'mounts'> & Partial<ConnectorServerOptions>,
): Promise<ServedFrame> {
  const clock = new FakeClock();
  const log: Record<string, unknown>[] = [];
  const answered: Answered[] = [];
  let ids = 0;
  const server = await startConnectorServer({
    host: '127.0.0.1',
    port: 0,
    authenticator: fakeAuthenticator,
    connections: {
      default: { namespace: 'team', name: 'aws' },
      has: ({ namespace, name }) => ['team', 'other'].includes(namespace) && name === 'aws',
    },
    leader: undefined,
    origins: new Origins({ publicUrl: undefined, trustedProxies: [] }),
    clock,
    makeId: () => `id-${(ids += 1)}`,
    logger: createLogger({
      level: 'info',
      clock,
      write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
    }),
    observe: (each) => answered.push(each),
    ...options,
  });
  running.add(server);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    port: server.port,
    server,
    clock,
    log,
    answered,
    get: (path, init = {}) => fetch(`${url}${path}`, { headers: bearer, ...init }),
  };
}

/** `/reports` alone. */
export async function serve(
  open: (run: ObjectKey, signal: AbortSignal) => Promise<OpenedReport>,
  limits: Partial<Limits> = {},
): Promise<Served> {
  const access = new FakeAccess();
  return {
    ...(await serveMounts({ mounts: [reportsMount({ access, reports: { open } })], limits })),
    access,
  };
}
/** What comes back to bytes that are sent as they are, until the other side ends. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      answer += part;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}

/** A report of these lines, a shard each. */
export function reportOf(lines: readonly object[], changes = lines.length): OpenedReport {
  return { kind: 'report', report: { header: { mode: 'Full', changes }, shards: shardsOf(lines) } };
}

async function* shardsOf(lines: readonly object[]): AsyncGenerator<Buffer> {
  yield* lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
}

/** Whether an answer came to its end. */
export async function wholeness(answer: Response | Promise<Response>): Promise<'whole' | 'broken off'> {
  try {
    await (await answer).text();
    return 'whole';
  } catch {
    return 'broken off';
  }
}
