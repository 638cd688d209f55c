import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { IAMClient } from '@aws-sdk/client-iam';
import { STSClient } from '@aws-sdk/client-sts';
import type { Clock } from '../ports.ts';
import { AwsError, toAwsError, type AwsErrorKind } from './errors.ts';
import { operations, type InputOf, type Operation, type OutputOf, type Service } from './operations.ts';

/** Who waits for a call: a person's change goes before a background reading, a leaver before all. */
export type Priority = 'urgent' | 'interactive' | 'background';

/** Spaces calls to one AWS account. */
export interface Pacer {
  /** Waits for a place; the answer gives it back and says how the call went. */
  acquire(priority: Priority, signal: AbortSignal): Promise<(outcome: 'ok' | 'throttled') => void>;
}

/** What happened to one call, for metrics. */
export interface CallRecord {
  readonly service: Service;
  readonly operation: Operation;
  readonly outcome: 'ok' | 'aborted' | AwsErrorKind;
  readonly seconds: number;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Default `interactive`. */
  readonly priority?: Priority;
}

/** Calls AWS. One for each connection; owns its sockets until `close`. */
export interface AwsApi {
  /**
   * One call. Throttled calls are repeated here (they changed nothing); reads also after a fault
   * of the network or the service. A write whose outcome is unknown is never repeated blindly:
   * it throws, and the next reconcile looks first.
   * @throws {AwsError}
   */
  call<K extends Operation>(operation: K, input: InputOf<K>, options: CallOptions): Promise<OutputOf<K>>;
  /**
   * How far AWS's clock is ahead of this machine's, in milliseconds and to the second, by the newest
   * answer; 0 before the first. What is due at a time of AWS (an expiry) is not left to a node's clock: where
   * that is set to another time, this changes with it, so that their sum stays AWS's time.
   */
  readonly skewMs: number;
  /** Lets calls that are under way end, then gives the sockets back. */
  close(): void;
}

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsApiOptions {
  readonly credentials: AwsCredentials;
  /** `aws-global`, or a region of the partition. */
  readonly region: string;
  /** The region whose CloudTrail holds IAM's events. */
  readonly cloudTrailRegion: string;
  /** Addresses in place of AWS's own. */
  readonly endpoints: { readonly [S in Service]?: string | undefined };
  readonly pacer: Pacer;
  /**
   * Paces CloudTrail alone, which has a limit of its own: two calls a second for an account and region,
   * whoever makes them (CloudTrail API reference, LookupEvents).
   */
  readonly trailPacer: Pacer;
  readonly clock: Clock & {
    /** Milliseconds that never go back, and that nobody sets. */
    monotonic(): number;
  };
  readonly random: () => number;
  readonly observe: (record: CallRecord) => void;
  /** Asked when a write is about to be sent; a reason refuses it (the lease is lost). */
  readonly fence: () => string | undefined;
}

/** The longest that one call may take, its connection included. */
const callTimeoutMs = 30_000;
const maxThrottledAttempts = 8;
const maxReadAttempts = 4;
/** Sockets a connection keeps; the pacer lets fewer calls through at once. */
const maxSockets = 16;

/** The only client of AWS: SDK clients behind one pacer, with errors told apart. */
export function createAwsApi(options: AwsApiOptions): AwsApi {
  const shared = {
    region: options.region,
    credentials: { ...options.credentials },
    // Repeating is decided here, where the pacer sees it; the SDK's own retries share one budget
    // among all calls of a client (aws-sdk-js-v3#4754).
    maxAttempts: 1,
    // Its warnings would go past the redacting logger.
    logger: { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    requestHandler: {
      connectionTimeout: 5_000,
      httpsAgent: { maxSockets, keepAlive: true },
      // For endpoints without TLS, such as those of a test.
      httpAgent: { maxSockets, keepAlive: true },
    },
  };
  const endpoint = (url: string | undefined) => (url === undefined ? {} : { endpoint: url });
  const clients = {
    iam: new IAMClient({ ...shared, ...endpoint(options.endpoints.iam) }),
    sts: new STSClient({ ...shared, ...endpoint(options.endpoints.sts) }),
    cloudtrail: new CloudTrailClient({
      ...shared,
      region: options.cloudTrailRegion,
      ...endpoint(options.endpoints.cloudtrail),
    }),
  };

  let aheadOfMonotonicMs: number | undefined;
  for (const client of Object.values(clients)) {
    addLateFence(client.middlewareStack as LateStack, options.fence);
    addSkewMeter(client.middlewareStack as LateStack, (date) => {
      // The header counts whole seconds: its middle is nearest.
      aheadOfMonotonicMs = date + 500 - options.clock.monotonic();
    });
  }

  let inFlight = 0;
  let closing = false;
  const destroyIfIdle = (): void => {
    if (closing && inFlight === 0) {
      Object.values(clients).forEach((client) => client.destroy());
    }
  };

  const once = async (operation: Operation, input: object, call: CallOptions): Promise<unknown> => {
    const facts = operations[operation];
    const pacer = facts.service === 'cloudtrail' ? options.trailPacer : options.pacer;
    const release = await pacer.acquire(call.priority ?? 'interactive', call.signal);
    const started = options.clock.now();
    inFlight += 1;
    let outcome: CallRecord['outcome'] = 'ok';
    try {
      const command = new (facts.command as unknown as new (input: object) => never)(input);
      const client = clients[facts.service] as {
        send(c: never, o: { abortSignal: AbortSignal }): Promise<unknown>;
      };
      // The SDK's own request time-out only warns; a silent peer must not keep a place for ever.
      const abortSignal = AbortSignal.any([call.signal, AbortSignal.timeout(callTimeoutMs)]);
      return await client.send(command, { abortSignal });
    } catch (thrown) {
      const error = toAwsError(operation, thrown, call.signal);
      outcome = error instanceof AwsError ? error.kind : 'aborted';
      throw error;
    } finally {
      release(outcome === 'throttled' ? 'throttled' : 'ok');
      inFlight -= 1;
      destroyIfIdle();
      options.observe({
        service: facts.service,
        operation,
        outcome,
        seconds: (options.clock.now() - started) / 1000,
      });
    }
  };

  return {
    get skewMs() {
      const { clock } = options;
      return aheadOfMonotonicMs === undefined ? 0 : clock.monotonic() + aheadOfMonotonicMs - clock.now();
    },
    call: async <K extends Operation>(
      operation: K,
      input: InputOf<K>,
      call: CallOptions,
    ): Promise<OutputOf<K>> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return (await once(operation, input, call)) as OutputOf<K>;
        } catch (error) {
          if (!(error instanceof AwsError)) {
            throw error;
          }
          const again =
            (error.kind === 'throttled' && attempt < maxThrottledAttempts) ||
            (operations[operation].access === 'read' &&
              (error.kind === 'unreachable' || error.kind === 'service') &&
              attempt < maxReadAttempts);
          if (!again) {
            throw error;
          }
          await options.clock.sleep(backoffMs(attempt, options.random), call.signal);
        }
      }
    },
    close: () => {
      closing = true;
      destroyIfIdle();
    },
  };
}

interface LateStack {
  add(
    middleware: (
      next: (args: object) => Promise<object>,
      context: { commandName?: string },
    ) => (args: object) => Promise<object>,
    options: { name: string; step: 'deserialize'; priority: 'low' },
  ): void;
}

/**
 * Asks the fence where the SDK hands the signed request to its socket: a process that was frozen in
 * between (SIGSTOP, a suspended machine) must not send what was decided before.
 */
function addLateFence(stack: LateStack, fence: () => string | undefined): void {
  stack.add(
    (next, context) => (args) => {
      const name = (context.commandName ?? '').replace(/Command$/, '');
      const facts = name in operations ? operations[name as Operation] : undefined;
      const refused = facts?.access === 'read' ? undefined : fence();
      if (refused !== undefined) {
        throw new AwsError({ kind: 'temporary', operation: name, code: 'WriteFenced', message: refused });
      }
      return next(args);
    },
    { name: 'idhubLateFence', step: 'deserialize', priority: 'low' },
  );
}

/** Reads the time of AWS from the `Date` header of its answers (RFC 9110, 6.6.1). */
function addSkewMeter(stack: LateStack, measured: (epochMs: number) => void): void {
  stack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { headers } = (answer as { response?: { headers?: Record<string, string> } }).response ?? {};
      const date = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(date)) {
        measured(date);
      }
      return answer;
    },
    { name: 'idhubSkewMeter', step: 'deserialize', priority: 'low' },
  );
}

/** Exponential back-off, the half of it random: up to 0.2 s, 0.4 s, … 10 s. */
function backoffMs(attempt: number, random: () => number): number {
  return Math.min(10_000, 100 * 2 ** attempt) * (0.5 + random() / 2);
}
