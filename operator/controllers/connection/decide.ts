import { accountSchema, sameName, type AccountSchema } from '../../../src/schema/index.ts';
import { partitionOf, resolveSettings, type Caller, type Settings } from '../../../src/connection/index.ts';
import { isAwsError, type AwsCredentials } from '../../../src/aws/index.ts';
import { IncompleteReadingError } from '../../../src/reconciliation/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { annotations, type Secret } from '../names.ts';
import type { Verdict } from './conditions.ts';
import type { ConnectionState, Terms } from './registry.ts';

/** What a connection's spec comes to, or why it cannot be used. Pure. */
export type Configuration =
  | { readonly kind: 'usable'; readonly settings: Settings; readonly schema: AccountSchema }
  | { readonly kind: 'refused'; readonly verdict: Verdict };

export function configure(connection: AwsConnection, allowEndpointOverride: boolean): Configuration {
  const { spec } = connection;
  const endpoints = spec.endpoints ?? {};
  if (!allowEndpointOverride && Object.values(endpoints).some((url) => url !== undefined)) {
    return refused(
      'EndpointOverrideNotAllowed',
      'spec.endpoints is set, and the operator runs without --allow-endpoint-override; remove the field or start the operator with the flag',
    );
  }
  const { settings, problems } = resolveSettings(spec.settings ?? {});
  const problem = problems[0];
  if (problem !== undefined) {
    return refused(problem.reason, `spec.${problem.message}`);
  }
  const schema = accountSchema(spec.schema?.attributes ?? [], settings.attributeTagPrefix);
  return schema.problems.length > 0
    ? refused('InvalidSchema', `spec.schema: ${schema.problems.join('; ')}`)
    : { kind: 'usable', settings, schema: schema.schema };
}

/** The credentials of a Secret, or what is wrong with it. */
export function credentialsOf(
  secret: Secret | undefined,
  name: string,
):
  | { readonly kind: 'found'; readonly credentials: AwsCredentials }
  | { readonly kind: 'refused'; readonly verdict: Verdict } {
  if (secret === undefined) {
    return refused(
      'SecretNotFound',
      `there is no Secret "${name}" in this namespace; create it with the keys accessKeyId and secretAccessKey`,
    );
  }
  const read = (key: string): string =>
    Buffer.from(secret.data?.[key] ?? '', 'base64')
      .toString('utf8')
      .trim();
  const missing = ['accessKeyId', 'secretAccessKey'].filter((key) => read(key) === '');
  if (missing.length > 0) {
    return refused(
      'SecretInvalid',
      `Secret "${name}" has no ${missing.join(' and no ')}; add what is missing`,
    );
  }
  const sessionToken = read('sessionToken');
  return {
    kind: 'found',
    credentials: {
      accessKeyId: read('accessKeyId'),
      secretAccessKey: read('secretAccessKey'),
      ...(sessionToken === '' ? {} : { sessionToken }),
    },
  };
}

/** Whether the caller is whom the connection expects; undefined when all is well. */
export function checkCaller(connection: AwsConnection, caller: Caller): Verdict | undefined {
  const recorded = connection.metadata.annotations?.[annotations.accountId];
  const expected = connection.spec.accountId ?? recorded;
  if (expected !== undefined && expected !== caller.accountId) {
    const source =
      connection.spec.accountId === undefined ? 'was recorded at first contact' : 'is in spec.accountId';
    return {
      reason: 'AccountMismatch',
      message:
        `the credentials belong to AWS account ${caller.accountId}, and ${expected} ${source}; nothing is written. ` +
        'Put credentials of that account into the Secret, or make another AwsConnection for the other account',
    };
  }
  if (
    recorded !== undefined &&
    connection.spec.accountId !== undefined &&
    recorded !== connection.spec.accountId
  ) {
    return {
      reason: 'AccountMismatch',
      message:
        `spec.accountId is ${connection.spec.accountId}, and this connection has been used with ${recorded}, where its ` +
        'accounts are; set it back, or make another AwsConnection for the other account',
    };
  }
  const { userName } = connection.spec;
  if (userName !== undefined && !sameName(caller.userName ?? '', userName)) {
    return {
      reason: 'UserNameMismatch',
      message:
        `the credentials belong to ${caller.arn}, not to the user "${userName}" of spec.userName; ` +
        'correct the one or the other',
    };
  }
  return undefined;
}

/** What a failed call to AWS says of the connection. */
export function verdictOf(error: unknown): Verdict {
  if (isAwsError(error, 'badCredentials')) {
    return {
      reason: 'InvalidCredentials',
      message: `AWS refuses the credentials (${error.message}); put a valid access key into the Secret, it is in use within 60 seconds`,
    };
  }
  if (isAwsError(error, 'accessDenied')) {
    return {
      reason: 'AccessDenied',
      message: `${error.message}. Give the communication user the policies of docs/aws-policy`,
    };
  }
  if (isAwsError(error, 'throttled')) {
    return {
      reason: 'Throttled',
      message: `${error.message}. AWS slows this account down; it is tried again`,
    };
  }
  if (isAwsError(error, 'unreachable', 'service')) {
    return { reason: 'AwsUnreachable', message: `${error.message}. It is tried again` };
  }
  if (error instanceof IncompleteReadingError) {
    return error.foreign
      ? {
          reason: 'AccountMismatch',
          message: `${error.message}. Nothing is written; look at what stands between the operator and AWS (spec.endpoints, a proxy)`,
        }
      : {
          reason: 'SnapshotIncomplete',
          message: `${error.message}. That cannot be all there is: it is not used, and read again`,
        };
  }
  return { reason: 'AwsError', message: error instanceof Error ? error.message : String(error) };
}

/** The warning that a connection gets whose CloudTrail region has no events of IAM. */
export function cloudTrailVerdict(settings: Settings): Verdict & { readonly ok: boolean } {
  const { homeRegion } = partitionOf(settings.region);
  const ok = settings.cloudTrailRegion === homeRegion;
  return {
    ok,
    reason: ok ? 'HomeRegion' : 'NotHomeRegion',
    message: ok
      ? `IAM's events are in ${homeRegion}`
      : `settings.cloudTrailRegion is ${settings.cloudTrailRegion}, but IAM's events are in ${homeRegion} only: nothing would be found; leave the setting out`,
  };
}

/** What was in force before, if what is refused is only a setting. */
export function earlierTerms(
  { terms }: ConnectionState,
  verdict: Verdict,
): Pick<Terms, 'settings' | 'schema'> | undefined {
  return verdict.reason === 'InvalidTimeZone' || verdict.reason === 'InvalidSchema' ? terms : undefined;
}

function refused(reason: Verdict['reason'], message: string): { kind: 'refused'; verdict: Verdict } {
  return { kind: 'refused', verdict: { reason, message } };
}
