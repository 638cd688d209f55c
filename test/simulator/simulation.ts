import { authenticate, type Authenticated } from './authentication.ts';
import { authorize, authorizeIam, type AuthorizationRequest } from './authorization.ts';
import { TokenBucket } from './bucket.ts';
import type { Caller } from './caller.ts';
import {
  cloudTrailHandlers,
  HOME_REGION,
  invalidMemberCode,
  type CloudTrailContext,
} from './cloudtrail/index.ts';
import type { Operation } from './codec/index.ts';
import { AwsError, validationError } from './errors.ts';
import { Faults } from './faults.ts';
import { iamHandlers, type IamContext } from './iam/index.ts';
import { validateInput } from './model/index.ts';
import { organizationFor, organizationsHandlers, UNMODELLED } from './organizations/index.ts';
import { Recorder } from './recorder.ts';
import { SignatureVerifier, type SignedRequest } from './signature.ts';
import type { Account } from './state/index.ts';
import { stsHandlers, type StsContext } from './sts/index.ts';
import type { RateLimit, SimulatorOptions } from './types.ts';
import { initialSettings, World, type CurrentSettings } from './world.ts';

type Output = Readonly<Record<string, unknown>>;

/** A call that was read off the wire. */
export interface Call {
  readonly request: SignedRequest;
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  readonly accessKeyId: string;
}

/** The simulated cloud: state, clock, settings, faults and counts. It knows nothing of HTTP. */
export class Simulation {
  readonly recorder = new Recorder();
  readonly faults = new Faults();
  readonly #options: SimulatorOptions;
  readonly #seed: number;
  readonly #verifier = new SignatureVerifier();
  readonly #buckets = new Map<string, TokenBucket>();
  #clockOffset = 0;
  #signingSkew = 0;
  #settings: CurrentSettings;
  #world: World;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#seed = options.seed ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    this.#settings = initialSettings(options);
    this.#world = new World(options, this.#seed, this.#settings, this.now);
  }

  get world(): World {
    return this.#world;
  }

  get settings(): CurrentSettings {
    return this.#settings;
  }

  /** The simulator's time, in milliseconds since the epoch. */
  readonly now = (): number => (this.#options.now ?? Date.now)() + this.#clockOffset;

  /** The time by which signatures are measured: the clients' own, unless it is skewed. */
  signingNow(): number {
    return Date.now() + this.#signingSkew;
  }

  advanceClock(ms: number): number {
    this.#clockOffset += ms;
    return this.now();
  }

  skewClock(ms: number): void {
    this.#signingSkew = ms;
  }

  reset(): void {
    this.#clockOffset = 0;
    this.#signingSkew = 0;
    this.#settings = initialSettings(this.#options);
    this.#buckets.clear();
    this.faults.clear();
    this.recorder.reset();
    this.#world = new World(this.#options, this.#seed, this.#settings, this.now);
  }

  /** Does what the call asks for, or throws AwsError. Nothing of a refused call remains. */
  execute(call: Call): Output {
    const { operation, input } = call;
    const unsigned = operation.service === 'sts' && operation.name === 'AssumeRoleWithWebIdentity';
    const authenticated = unsigned
      ? undefined
      : authenticate(this.#world, this.#verifier, call.request, {
          now: this.now(),
          signingNow: this.signingNow(),
        });
    const account = authenticated?.account ?? this.#accountOfRole(input);
    const caller = authenticated?.caller ?? anonymous(input);
    const region = authenticated?.scope.region ?? 'us-east-1';
    if (operation.service === 'iam' && account !== undefined && this.#settings.rateLimit !== null) {
      this.#admit(`iam/${account.id}`, this.#settings.rateLimit);
    }
    try {
      checkInput(operation, input);
      const output = this.#run(call, authenticated, caller, account, region);
      this.#remember(call, account, caller, region, { output });
      return output;
    } catch (error) {
      if (error instanceof AwsError) {
        this.#remember(call, account, caller, region, { error });
      }
      throw error;
    }
  }

  #admit(name: string, limit: RateLimit): void {
    if (!this.#take(name, limit)) {
      throw new AwsError('Throttling', 'Rate exceeded');
    }
  }

  #take(name: string, limit: RateLimit): boolean {
    const bucket = this.#buckets.get(name) ?? new TokenBucket(limit, this.now());
    this.#buckets.set(name, bucket);
    return bucket.take(limit, this.now());
  }

  #run(
    call: Call,
    authenticated: Authenticated | undefined,
    caller: Caller,
    account: Account | undefined,
    region: string,
  ): Output {
    const { operation, input } = call;
    if (operation.service === 'sts') {
      const context = this.#stsContext(authenticated, caller, region);
      return handlerOf(stsHandlers, operation)(context, input);
    }
    if (authenticated === undefined || account === undefined) {
      throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
    }
    switch (operation.service) {
      case 'iam': {
        const handler = handlerOf(iamHandlers, operation);
        const context = this.#iamContext(account, authenticated.caller);
        if (caller.kind === 'user' && caller.session !== undefined && !caller.session.mfa) {
          // GetSessionToken, API reference: such sessions call IAM only if they were made with MFA.
          throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid');
        }
        if (this.#settings.enforcePolicies) {
          const owner = (id: string): string | undefined => context.keyOwner(id)?.name;
          authorizeIam(this.#authorization(authenticated, region), operation.name, input, owner);
        }
        return handler(context, input);
      }
      case 'organizations': {
        const handler = handlerOf(organizationsHandlers, operation);
        this.#authorizePlainly(authenticated, region, `organizations:${operation.name}`);
        const organization = organizationFor(this.#world.organization, account, operation.name);
        return handler({ account, organization, shortPages: this.#settings.shortPages }, input);
      }
      case 'cloudtrail':
      default: {
        const handler = handlerOf(cloudTrailHandlers, operation);
        this.#authorizePlainly(authenticated, region, `cloudtrail:${operation.name}`);
        return handler(this.#trailContext(account, region), input);
      }
    }
  }

  #authorization({ account, caller }: Authenticated, region: string): AuthorizationRequest {
    const { organization } = this.#world;
    return {
      account,
      views: account.stale(),
      caller,
      now: this.now(),
      region,
      organizationId: organization?.members.has(account.id) === true ? organization.id : undefined,
      serviceControlPolicies: organization?.controlling(account.id) ?? [],
    };
  }

  #authorizePlainly(
    authenticated: Authenticated,
    region: string,
    action: string,
    resource = '*',
    context: Readonly<Record<string, string | readonly string[]>> = {},
  ): void {
    if (this.#settings.enforcePolicies) {
      authorize(this.#authorization(authenticated, region), [action], [resource], context);
    }
  }

  #iamContext(account: Account, caller: Authenticated['caller']): IamContext {
    const world = this.#world;
    const views = account.stale();
    return {
      account,
      views,
      caller,
      now: this.now(),
      shortPages: this.#settings.shortPages,
      loginProfileSettleMs: this.#settings.loginProfileSettleMs,
      credentialReportMs: this.#settings.credentialReportMs,
      registerKey: (accessKeyId, userId) => world.registerKey(accessKeyId, account, userId),
      keyOwner: (accessKeyId) => {
        const entry = world.keyEntry(accessKeyId);
        return entry?.account === account ? account.userById(entry.userId, views.users) : undefined;
      },
      aliasTaken: (alias) =>
        [...world.accounts.values()].some(
          (other) => other.alias === alias && other.partition === account.partition,
        ),
      serviceControlPolicies: world.organization?.controlling(account.id) ?? [],
    };
  }

  #stsContext(authenticated: Authenticated | undefined, caller: Caller, region: string): StsContext {
    const world = this.#world;
    return {
      account: authenticated?.account,
      caller,
      now: this.now(),
      findAccount: (id) => world.accounts.get(id),
      accountOfKey: (id) => world.keyEntry(id)?.account ?? world.sessionEntry(id)?.account,
      registerSession: (account, session) => world.registerSession(account, session),
      authorize: (action, resource, context) => {
        if (authenticated !== undefined) {
          this.#authorizePlainly(authenticated, region, action, resource, context);
        }
      },
    };
  }

  #trailContext(account: Account, region: string): CloudTrailContext {
    const trail = this.#world.trail(account);
    if (trail === undefined) {
      throw new Error(`account ${account.id} has no trail`);
    }
    const { shuffle, perSecond } = this.#settings.cloudTrail;
    return {
      account,
      trail,
      now: this.now(),
      region,
      shuffle,
      random: this.#world.random,
      admit: () =>
        perSecond === 0 || this.#take(`trail/${account.id}/${region}`, { perSecond, burst: perSecond }),
    };
  }

  #accountOfRole(input: Call['input']): Account | undefined {
    const arn = input['RoleArn'];
    return typeof arn === 'string' ? this.#world.accounts.get(arn.split(':')[4] ?? '') : undefined;
  }

  /** Leaves the traces of a call: its event, and the time of the key's last use. */
  #remember(
    call: Call,
    account: Account | undefined,
    caller: Caller,
    region: string,
    result: { readonly output: Output } | { readonly error: AwsError },
  ): void {
    if (account === undefined) {
      return;
    }
    const { operation, input, requestId } = call;
    const userAgent = call.request.headers['user-agent'];
    this.#world.markUsed(account, caller, this.now(), operation.service, region);
    this.#world.trail(account)?.record({
      name: operation.name,
      source: `${operation.service}.amazonaws.com`,
      readOnly: kindOf(operation) === 'read',
      caller,
      requestId,
      region: operation.service === 'cloudtrail' ? region : HOME_REGION[account.partition],
      userAgent: typeof userAgent === 'string' ? userAgent : '',
      input,
      ...('error' in result
        ? { error: { code: result.error.code, message: result.error.message } }
        : { output: result.output }),
    });
  }
}

/** Whether a call can change anything that lasts. Making a session changes nothing. */
export function kindOf({ service, name }: Operation): 'read' | 'write' {
  return service === 'sts' || /^(?:Get|List|Describe|Lookup|Simulate|Generate)/.test(name) ? 'read' : 'write';
}

function anonymous(input: Call['input']): Caller {
  const name = input['RoleSessionName'];
  const userId = typeof name === 'string' ? name : 'anonymous';
  return { kind: 'anonymous', arn: 'anonymous', userId, accessKeyId: '' };
}

const HANDLERS: Readonly<Record<Operation['service'], ReadonlyMap<string, unknown>>> = {
  iam: iamHandlers,
  sts: stsHandlers,
  organizations: organizationsHandlers,
  cloudtrail: cloudTrailHandlers,
};

function checkInput(operation: Operation, input: Call['input']): void {
  handlerOf(HANDLERS[operation.service], operation);
  if (operation.service === 'organizations' && UNMODELLED.has(operation.name)) {
    return;
  }
  const wrong = validateInput(operation.service, operation.name, input);
  if (wrong === undefined) {
    return;
  }
  switch (operation.service) {
    case 'organizations':
      throw new AwsError('InvalidInputException', wrong);
    case 'cloudtrail':
      throw new AwsError(invalidMemberCode(wrong), wrong);
    case 'iam':
    case 'sts':
    default:
      throw validationError(wrong);
  }
}

/** Operations that AWS has and the simulator has not are refused aloud: nobody may take silence for success. */
function handlerOf<H>(table: ReadonlyMap<string, H>, operation: Operation): H {
  const handler = table.get(operation.name);
  if (handler === undefined) {
    throw new AwsError(
      'NotImplemented',
      `The AWS simulator does not implement ${operation.service}:${operation.name}.`,
    );
  }
  return handler;
}
