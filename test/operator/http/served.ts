import { afterEach } from '@jest/globals';
import { connect } from 'node:net';
import type { Access, Caller } from '../../../operator/http/access.ts';
import { startConnectorServer, type ConnectorServer } from '../../../operator/http/connector.ts';
import type { ConnectorLimits } from '../../../operator/http/app.ts';
import type { OpenedReport } from '../../../operator/http/index.ts';
import { createLogger, type ObjectKey } from '../../../operator/runtime/index.ts';
import { FakeClock } from '../runtime/fake-clock.ts';

/** As it is, so that what is written is seen at once. */
export const bearer = { authorization: 'Bearer jo-token', 'accept-encoding': 'identity' };
const jo: Caller = { name: 'jo', uid: undefined, groups: [], extra: {} };

/** Tokens `NAME-token` stand for NAME; who may read is told. */
export class FakeAccess implements Access {
  /** Runs and tokens that were asked about. */
  readonly asked: string[] = [];
  readers = ['jo'];
  fail: (signal: AbortSignal) => Promise<void> | void = () => undefined;

  async authenticate(token: string, signal: AbortSignal): Promise<Caller | undefined> {
    this.asked.push(token);
    await this.fail(signal);
    const [, name] = /^([a-z]+)-token$/.exec(token) ?? [];
    return name === undefined ? undefined : { ...jo, name };
  }

  mayReadReport(caller: Caller, run: ObjectKey): Promise<boolean> {
    this.asked.push(`${caller.name} ${run.namespace}/${run.name}`);
    return Promise.resolve(this.readers.includes(caller.name));
  }
}

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly server: ConnectorServer;
  readonly access: FakeAccess;
  readonly clock: FakeClock;
  /** Lines of the log. */
  readonly log: Record<string, unknown>[];
  readonly codes: number[];
  get(path: string, init?: RequestInit): Promise<Response>;
}

const running = new Set<ConnectorServer>();

afterEach(async () => {
  await Promise.all([...running].map((server) => server.close(0)));
  running.clear();
});

/** The port on a free one, which ends with the test. */
export async function serve(
  open: (run: ObjectKey, signal: AbortSignal) => Promise<OpenedReport>,
  limits: Partial<ConnectorLimits> = {},
): Promise<Served> {
  const access = new FakeAccess();
  const clock = new FakeClock();
  const log: Record<string, unknown>[] = [];
  const codes: number[] = [];
  const server = await startConnectorServer({
    host: '127.0.0.1',
    port: 0,
    access,
    reports: { open },
    clock,
    logger: createLogger({
      level: 'info',
      clock,
      write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
    }),
    observe: (code) => codes.push(code),
    limits,
  });
  running.add(server);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    port: server.port,
    server,
    access,
    clock,
    log,
    codes,
    get: (path, init = {}) => fetch(`${url}${path}`, { headers: bearer, ...init }),
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
