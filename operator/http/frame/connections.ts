import { keyString } from '../../runtime/index.ts';
import type { ConnectionName } from '../../../src/idhub/index.ts';
import type { Caller } from './mount.ts';
import type { Connections } from './options.ts';
import { Problem } from './problem.ts';

/**
 * The connection that a request is about.
 * @param named what its path names
 * @throws {Problem} 404 where there is none, 403 where the caller may not use it, whether or not there is one
 */
export function connectionFor(
  caller: Caller | undefined,
  named: ConnectionName | undefined,
  connections: Connections,
): ConnectionName {
  const connection = named ?? connections.default;
  if (connection === undefined) {
    throw new Problem(
      404,
      'No connection is the default (--default-connection): put /connections/NAMESPACE/NAME in front of the path.',
    );
  }
  if (caller?.may(connection) === false) {
    throw new Problem(
      403,
      `The caller "${caller.name}" may not use the connection ${keyString(connection)}.`,
    );
  }
  if (!connections.has(connection)) {
    throw new Problem(404, `There is no AwsConnection ${keyString(connection)}.`);
  }
  return connection;
}

/** Whether a request names no connection, and there is none that it could be about. */
export function lacksConnection(named: ConnectionName | undefined, connections: Connections): boolean {
  const { default: byDefault } = connections;
  return named === undefined && (byDefault === undefined || !connections.has(byDefault));
}
