import {
  connectorHealth,
  connectorMetadata,
  type ConnectionName,
  type ConnectorState,
  type IdhubLink,
  type StateNames,
} from '../../../src/idhub/index.ts';
import type { AccountSchema } from '../../../src/schema/index.ts';
import { keyString } from '../../runtime/index.ts';
import { Problem, routerOf, type Handler, type Mount } from '../frame/index.ts';

/** The connection is verified again about as often. */
const retryAfterSeconds = 30;

/** How an AWS account stands. */
export interface Standing {
  readonly state: ConnectorState;
  /** For people; no secret in it. */
  readonly message: string;
}

/** The AWS accounts, as IDHub's wizard asks about them. */
export interface ConnectorTarget {
  /** What is known; AWS is not asked. */
  standing(connection: ConnectionName): Standing;
  /** Whether the credentials are good now: AWS is asked whose they are. Rejects with the signal's reason only. */
  test(connection: ConnectionName, signal: AbortSignal): Promise<Standing>;
  /** The account schema, whether or not AWS was reached. */
  schema(connection: ConnectionName): AccountSchema;
}

export interface ConnectorMountOptions {
  readonly target: ConnectorTarget;
  readonly idhub: Pick<IdhubLink, 'check'>;
  readonly version: string;
  readonly businessOwner: string | undefined;
  readonly itOwner: string | undefined;
  readonly states: StateNames;
  /** What paths that name no connection are about, whether or not it is there. */
  readonly defaultConnection: ConnectionName | undefined;
}

/** `/connector`: what IDHub's onboarding wizard asks for: health, a test of the credentials, what there is to draft. */
export function connectorMount(options: ConnectorMountOptions): Mount {
  return {
    name: 'connector',
    path: '/connector',
    perConnection: true,
    mayLackConnection: true,
    access: 'caller',
    format: 'problem+json',
    bodyLimit: 0,
    mediaTypes: [],
    leaderOnly: true,
    router: routerOf([
      { path: '/health', GET: health(options) },
      { path: '/test', GET: test(options) },
      { path: '/metadata', GET: metadata(options) },
    ]),
  };
}

/** The answer is 200 whatever the state is: that there is an answer is not what is asked. */
function health({ target, idhub, states, defaultConnection }: ConnectorMountOptions): Handler {
  return async (_request, response, visit) => {
    const { connectionIfAny: connection, signal } = visit;
    const { state, message } = await idhub.check(signal);
    const standing: Standing =
      connection === undefined
        ? { state: 'NOT_CONFIGURED', message: noConnection(defaultConnection) }
        : target.standing(connection);
    const told = connectorHealth(standing, { state, message }, states);
    visit.note({ health: told.status });
    response.json(told);
  };
}

/** A client that looks at nothing but the status sees how it went. */
function test({ target, states, defaultConnection }: ConnectorMountOptions): Handler {
  return async (_request, response, visit) => {
    const { state, message } = await target.test(
      required(visit.connectionIfAny, defaultConnection),
      visit.signal,
    );
    visit.note({ test: state });
    if (state !== 'UP') {
      throw new Problem(503, message, { retryAfter: retryAfterSeconds });
    }
    response.json({ status: states[state], message });
  };
}

function metadata(options: ConnectorMountOptions): Handler {
  const { target, version, businessOwner, itOwner } = options;
  return (_request, response, { connectionIfAny, baseUrl }) => {
    const connection = required(connectionIfAny, options.defaultConnection);
    response.json(
      connectorMetadata({
        name: `AWS ${keyString(connection)}`,
        version,
        businessOwner,
        itOwner,
        schema: target.schema(connection),
        base: baseUrl.replace(/\/connector$/, '/scim/v2'),
      }),
    );
  };
}

function required(
  connection: ConnectionName | undefined,
  defaultConnection: ConnectionName | undefined,
): ConnectionName {
  if (connection === undefined) {
    throw new Problem(404, noConnection(defaultConnection));
  }
  return connection;
}

/** Why a path that names no connection is about none. */
function noConnection(defaultConnection: ConnectionName | undefined): string {
  return defaultConnection === undefined
    ? 'There is no default connection (--default-connection): put /connections/NAMESPACE/NAME in front of the path.'
    : `There is no AwsConnection ${keyString(defaultConnection)} yet, which is the default connection (--default-connection): make it.`;
}
