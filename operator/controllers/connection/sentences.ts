import { keyString, type ObjectKey } from '../../runtime/index.ts';
import { annotations } from '../names.ts';

/** Why an object of another namespace may not use a connection, and what to do. */
export function notAllowed(
  connection: ObjectKey,
  namespace: string,
): { readonly reason: 'NamespaceNotAllowed'; readonly message: string } {
  return {
    reason: 'NamespaceNotAllowed',
    message:
      `AwsConnection "${keyString(connection)}" is not for namespace ${namespace}; list it in the connection's ` +
      'spec.allowedNamespaces, or make this object anew with a connection of this namespace. One that is being deleted ' +
      `can be let go of without touching AWS: annotate it with ${annotations.abandon}=true`,
  };
}
