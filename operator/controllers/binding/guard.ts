import { sameName } from '../../../src/schema/index.ts';
import type { Verdict } from './conditions.ts';
import type { EntitlementGuard, EntitlementQuestion } from './pass.ts';

/** The rules of connections, as bindings ask for them. */
export class ConnectionGuard implements EntitlementGuard {
  refuses({ connection, user }: EntitlementQuestion): Verdict | undefined {
    const { communicationUser } = connection;
    if (communicationUser !== undefined && sameName(communicationUser, user.userName)) {
      return {
        reason: 'Refused',
        message:
          `"${user.userName}" is the user that this connection works as; what it may do is not changed from here. ` +
          'Delete this object: the user is left alone',
      };
    }
    return undefined;
  }
}
