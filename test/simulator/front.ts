import { findOperation, parseJson, parseQuery, writeJson, writeJsonError, XmlCodec } from './codec/index.ts';
import type { Operation, Service } from './codec/index.ts';
import { AwsError } from './errors.ts';
import { readScope, type SignedRequest } from './signature.ts';
import { kindOf, type Call, type Simulation } from './simulation.ts';
import type { WriteRecord } from './types.ts';

/** An answer, or the order to break the connection. */
export type Reply =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'drop' };

export interface FrontOptions {
  readonly simulation: Simulation;
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** IAM has these too: Organizations' count under a prefix. */
const SHARED_NAMES: ReadonlySet<string> = new Set(
  ['CreatePolicy', 'DeletePolicy', 'ListPolicies'].filter((name) => findOperation('iam', name) !== undefined),
);

function countedName({ service, name }: Operation): string {
  return service === 'organizations' && SHARED_NAMES.has(name) ? `organizations:${name}` : name;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Reads requests off the wire, lets faults strike, counts, and writes replies in the protocol of the service. */
export class Front {
  readonly #simulation: Simulation;
  readonly #sleep: FrontOptions['sleep'];
  readonly #xml = new XmlCodec();

  constructor(options: FrontOptions) {
    this.#simulation = options.simulation;
    this.#sleep = options.sleep;
  }

  async handle(request: SignedRequest): Promise<Reply> {
    const { recorder } = this.#simulation;
    recorder.started(this.#simulation.now());
    try {
      return await this.#handle(request);
    } finally {
      recorder.ended();
    }
  }

  async #handle(request: SignedRequest): Promise<Reply> {
    const requestId = this.#simulation.world.random.uuid();
    let call: Call;
    try {
      call = readCall(request, requestId);
    } catch (error) {
      return this.#refuse(request, requestId, error);
    }
    const { operation, accessKeyId } = call;
    const { recorder, faults, settings } = this.#simulation;
    const kind = kindOf(operation);
    const name = countedName(operation);
    recorder.called(name, accessKeyId, kind);
    const user = text(call.input['UserName']);
    const effect = faults.draw({ operation: name, kind, user, accessKeyId });
    const delay = settings.latencyMs + effect.latencyMs;
    if (delay > 0) {
      await this.#sleep(delay);
    }
    if (effect.drop === 'before') {
      this.#log(call, 'ConnectionDropped', 'before');
      return { kind: 'drop' };
    }
    try {
      if (effect.error !== undefined) {
        const { code, message = `Injected fault: ${code}`, status } = effect.error;
        throw new AwsError(code, message, status);
      }
      const output = this.#simulation.execute(call);
      this.#log(call, 'OK', effect.drop);
      return effect.drop === undefined ? this.#answer(operation, output, requestId) : { kind: 'drop' };
    } catch (error) {
      const failure = error instanceof AwsError ? error : internalFailure(error);
      if (failure.code === 'NotImplemented') {
        recorder.missing(`${operation.service}:${operation.name}`);
      }
      recorder.failed(name, failure.code);
      this.#log(call, failure.code, effect.drop);
      return effect.drop === undefined
        ? this.#error(operation.service, failure, requestId)
        : { kind: 'drop' };
    }
  }

  #refuse(request: SignedRequest, requestId: string, error: unknown): Reply {
    const failure = error instanceof AwsError ? error : internalFailure(error);
    this.#simulation.recorder.failed('unknown', failure.code);
    const service = request.headers['x-amz-target'] === undefined ? 'iam' : 'cloudtrail';
    return this.#error(service, failure, requestId);
  }

  #answer(operation: Operation, output: Readonly<Record<string, unknown>>, requestId: string): Reply {
    return isJson(operation.service)
      ? this.#reply(200, JSON_TYPE, requestId, writeJson(output, operation.output))
      : this.#reply(200, 'text/xml', requestId, this.#xml.reply(operation, output, requestId));
  }

  #error(service: Service, error: AwsError, requestId: string): Reply {
    if (isJson(service)) {
      const { status, code, body } = writeJsonError(error);
      return this.#reply(status, JSON_TYPE, requestId, body, { 'x-amzn-errortype': code });
    }
    return this.#reply(error.status, 'text/xml', requestId, this.#xml.error(service, error, requestId));
  }

  #reply(
    status: number,
    type: string,
    requestId: string,
    body: string,
    more: Readonly<Record<string, string>> = {},
  ): Reply {
    const headers = {
      'content-type': type,
      'x-amzn-requestid': requestId,
      date: new Date(this.#simulation.signingNow()).toUTCString(),
      ...more,
    };
    return { kind: 'answer', status, headers, body };
  }

  #log(call: Call, code: string, dropped: 'before' | 'after' | undefined): void {
    if (kindOf(call.operation) === 'read') {
      return;
    }
    const { world, now, recorder } = this.#simulation;
    const entry = world.keyEntry(call.accessKeyId) ?? world.sessionEntry(call.accessKeyId);
    const account = entry?.account;
    const named = <K extends string>(key: K, member: string): Partial<Record<K, string>> => {
      const value = text(call.input[member]);
      return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
    };
    const record: WriteRecord = {
      at: now(),
      account: account?.id ?? '',
      operation: countedName(call.operation),
      principal: principalName(entry),
      accessKeyId: call.accessKeyId,
      ...named('user', 'UserName'),
      ...named('group', 'GroupName'),
      ...named('policy', call.input['PolicyArn'] === undefined ? 'PolicyName' : 'PolicyArn'),
      code,
      ...(dropped === undefined ? {} : { dropped }),
    };
    recorder.wrote(record);
  }
}

type Entry = ReturnType<Simulation['world']['keyEntry']> | ReturnType<Simulation['world']['sessionEntry']>;

function principalName(entry: Entry): string {
  if (entry === undefined) {
    return 'unknown';
  }
  if ('userId' in entry) {
    const user = entry.account.userById(entry.userId);
    return user === undefined ? entry.userId : entry.account.userArn(user);
  }
  const { principal } = entry.session;
  return principal.kind === 'user' ? principal.userId : `${principal.roleId}:${principal.sessionName}`;
}

const JSON_TYPE = 'application/x-amz-json-1.1';

const isJson = (service: Service): boolean => service === 'organizations' || service === 'cloudtrail';

function internalFailure(error: unknown): AwsError {
  console.error('the simulator failed:', error);
  return new AwsError('InternalFailure', `The simulator failed: ${String(error)}`, 500);
}

function readCall(request: SignedRequest, requestId: string): Call {
  const accessKeyId = readScope(request.headers)?.accessKeyId ?? '';
  const target = text(request.headers['x-amz-target']);
  if (target !== undefined) {
    const service: Service = target.startsWith('AWSOrganizations') ? 'organizations' : 'cloudtrail';
    const name = target.slice(target.lastIndexOf('.') + 1);
    const operation = findOperation(service, name);
    if (operation === undefined) {
      throw new AwsError('UnknownOperationException', `Unknown operation ${name}.`);
    }
    const input = parseJson(request.body.toString(), operation.input);
    return { request, operation, input, requestId, accessKeyId };
  }
  const parameters = new URLSearchParams(
    request.method === 'GET' ? request.path.split('?')[1] : request.body.toString(),
  );
  const action = parameters.get('Action');
  if (action === null) {
    throw new AwsError('MissingAction', 'Could not find operation: the request has no Action.');
  }
  // Actions of IAM and STS have no name in common, so that unsigned calls find their service, too.
  const operation = findOperation('iam', action) ?? findOperation('sts', action);
  if (operation === undefined) {
    const version = parameters.get('Version') ?? '';
    throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${version}`);
  }
  const input = parseQuery(parameters, operation.input);
  return { request, operation, input, requestId, accessKeyId };
}
