import type { Control, FaultSpec } from './types.ts';
import { UnknownAccount } from './control.ts';

export interface ControlReply {
  readonly status: number;
  readonly body: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const ok = (body: unknown = {}): ControlReply => ({ status: 200, body });

function parse(body: string): unknown {
  return body.trim() === '' ? {} : (JSON.parse(body) as unknown);
}

function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('a JSON object is expected');
  }
  return value as Json;
}

/** `/_simulator/…` over a control: what `SimulatorControl` speaks. */
export async function controlOverHttp(
  control: Control,
  method: string,
  path: string,
  body: string,
): Promise<ControlReply> {
  try {
    const [resource = '', ...rest] = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    switch (`${method} ${resource}`) {
      case 'GET calls':
        return ok(await control.calls());
      case 'DELETE calls':
        await control.resetCalls();
        return ok();
      case 'GET writes':
        return ok(await control.writes());
      case 'POST reset':
        await control.reset();
        return ok();
      case 'GET faults':
        return ok(await control.faults());
      case 'DELETE faults':
        await control.clearFaults();
        return ok();
      case 'POST faults':
        return await postFaults(control, parse(body));
      case 'POST clock':
        return await postClock(control, object(parse(body)));
      case 'POST settings':
        await control.configure(object(parse(body)));
        return ok();
      case 'GET accounts':
      case 'POST accounts':
        return await accounts(control, method, rest, body);
      default:
        return { status: 404, body: { error: `there is no ${method} /_simulator/${path}` } };
    }
  } catch (error) {
    if (error instanceof UnknownAccount) {
      return { status: 404, body: { error: error.message } };
    }
    if (error instanceof SyntaxError || error instanceof URIError) {
      return { status: 400, body: { error: error.message } };
    }
    throw error;
  }
}

async function postFaults(control: Control, body: unknown): Promise<ControlReply> {
  if (!Array.isArray(body) && object(body)['clear'] === true) {
    await control.clearFaults();
    return ok([]);
  }
  const specs = (Array.isArray(body) ? body : [body]).map(object) as readonly FaultSpec[];
  return ok(await control.fault(...specs));
}

async function postClock(control: Control, body: Json): Promise<ControlReply> {
  const { advanceMs = 0, skewMs } = body;
  if (typeof advanceMs !== 'number' || (skewMs !== undefined && typeof skewMs !== 'number')) {
    throw new SyntaxError('advanceMs and skewMs are numbers of milliseconds');
  }
  if (skewMs !== undefined) {
    await control.skewClock(skewMs);
  }
  return ok({ now: await control.advanceClock(advanceMs) });
}

async function accounts(
  control: Control,
  method: string,
  [id = 'first', what, name = '']: readonly string[],
  body: string,
): Promise<ControlReply> {
  const account = id === 'first' ? undefined : id;
  if (method === 'GET') {
    if (what === undefined) {
      return ok(await control.account(account));
    }
    const user = await control.user(name, account);
    return ok(user === undefined ? {} : { user });
  }
  const { userName, password } = object(parse(body));
  if (typeof userName !== 'string' || typeof password !== 'string') {
    throw new SyntaxError('userName and password are strings');
  }
  return what === 'sign-in'
    ? ok({ signedIn: await control.signIn(userName, password, account) })
    : ok({ matches: await control.checkPassword(userName, password, account) });
}
