import { Readable } from 'node:stream';
import type { AwsReconciliationStatus } from '../../api/v1alpha1/index.ts';
import { isNamespaceName, isObjectName, keyString, type ObjectKey } from '../../runtime/index.ts';
import { audience, type Access, type KubernetesUser } from '../auth/index.ts';
import { Problem } from '../frame/index.ts';
import { reportLines, type Report, type ReportFilter } from './stream.ts';

/** Where reports are kept. */
export interface ReportSource {
  /** Rejects as `Client` does where the API server does not answer. */
  open(run: ObjectKey, signal: AbortSignal): Promise<OpenedReport>;
}

/** A report, or why there is none; messages are for people. */
export type OpenedReport =
  | { readonly kind: 'report'; readonly report: Report }
  /** No such run, or one that has no report, or none that is whole, and never will. */
  | { readonly kind: 'missing'; readonly message: string }
  /** The run has not ended. */
  | { readonly kind: 'unfinished'; readonly message: string }
  /** The breaker of the connection is open. */
  | { readonly kind: 'stopped'; readonly message: string };

type Change = NonNullable<AwsReconciliationStatus['changes']>[number];

const known = {
  resource: ['Account', 'Entitlement'] satisfies Change['resource'][],
  change: ['Created', 'Changed', 'Deleted', 'LeftFilter'] satisfies Change['change'][],
} as const;

/** Seconds. */
const untilFinished = 5;
const untilMended = 60;

/** What a request asks for, checked. */
export interface ReportRequest {
  readonly run: ObjectKey;
  readonly filter: ReportFilter;
}

/** @throws {Problem} 400, with what to write instead */
export function parseReportRequest(
  params: { readonly namespace: string; readonly name: string },
  query: Readonly<Record<string, unknown>>,
): ReportRequest {
  const { namespace, name } = params;
  if (!isNamespaceName(namespace)) {
    throw new Problem(400, 'The first part of the path, after /reports/, is the name of a namespace.');
  }
  if (!isObjectName(name)) {
    throw new Problem(400, 'The second part of the path is the name of an AwsReconciliation.');
  }
  const unknown = Object.keys(query).find((each) => !Object.hasOwn(known, each));
  if (unknown !== undefined) {
    throw new Problem(400, `"${unknown.slice(0, 50)}" is no parameter; there are resource and change.`);
  }
  return {
    run: { namespace, name },
    filter: { resource: chosen('resource', query), change: chosen('change', query) },
  };
}

function chosen(name: keyof typeof known, query: Readonly<Record<string, unknown>>): string | undefined {
  const value = query[name];
  const values: readonly string[] = known[name];
  if (value !== undefined && (typeof value !== 'string' || !values.includes(value))) {
    throw new Problem(400, `The parameter "${name}" is given once, and is one of ${values.join(', ')}.`);
  }
  return value;
}

const scheme = `Bearer realm="${audience}"`;
const howToGetOne = `kubectl create token SERVICEACCOUNT --audience=${audience}`;

/**
 * Who a request comes from.
 * @param authorization the header field
 * @throws {Problem} 401
 */
export async function callerOf(
  access: Access,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<KubernetesUser> {
  const token = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new Problem(401, `Send "Authorization: Bearer TOKEN"; ${howToGetOne} makes one.`, {
      headers: { 'www-authenticate': scheme },
    });
  }
  const caller = await access.authenticate(token, signal);
  if (caller === undefined) {
    throw new Problem(
      401,
      `The token is not valid: it has expired, or it is not for the audience ${audience}. ${howToGetOne} makes another.`,
      { headers: { 'www-authenticate': `${scheme}, error="invalid_token"` } },
    );
  }
  return caller;
}

/** @throws {Problem} 403 */
export async function requireReader(
  access: Access,
  caller: KubernetesUser,
  { namespace, name }: ObjectKey,
  signal: AbortSignal,
): Promise<void> {
  if (!(await access.mayReadReport(caller, { namespace, name }, signal))) {
    throw new Problem(
      403,
      `"${caller.name}" may not get awsreconciliations/report "${name}" in the namespace "${namespace}"; a Role there can allow it.`,
    );
  }
}

/**
 * The report as a stream whose first part has been read: what cannot be read at all is known before
 * anything is answered.
 * @throws {Problem} where there is none to be had now
 */
export async function openReport(
  source: ReportSource,
  { run, filter }: ReportRequest,
  signal: AbortSignal,
): Promise<Readable> {
  const opened = await source.open(run, signal);
  switch (opened.kind) {
    case 'missing':
      throw new Problem(404, opened.message);
    case 'unfinished':
      throw new Problem(409, opened.message, { retryAfter: untilFinished });
    case 'stopped':
      throw new Problem(503, opened.message, { retryAfter: untilMended });
    case 'report':
      break;
  }
  const { header, shards } = opened.report;
  const parts = shards[Symbol.asyncIterator]();
  const first = await parts.next();
  const rest = async function* (): AsyncGenerator<Buffer> {
    try {
      for (let part = first; part.done !== true; part = await parts.next()) {
        yield part.value;
      }
    } finally {
      await parts.return?.();
    }
  };
  const lines = reportLines({ header: { run: keyString(run), ...header }, shards: rest() }, filter);
  return Readable.from(lines, { objectMode: false });
}
