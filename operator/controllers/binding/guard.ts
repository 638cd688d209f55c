import { refusesEntitlement, refusesUser } from '../../../src/guard/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { Verdict } from './conditions.ts';
import type { EntitlementGuard, EntitlementQuestion } from './pass.ts';

/** The rules of connections, as bindings ask for them. Asks nobody, least of all AWS. */
export class ConnectionGuard implements EntitlementGuard {
  refuses({ connection, user, gives }: EntitlementQuestion): Verdict | undefined {
    const { communicationUser, guard, caller } = connection;
    if (communicationUser !== undefined && sameName(communicationUser, user.userName)) {
      return {
        reason: 'Refused',
        message:
          `"${user.userName}" is the user that this connection works as; what it may do is not changed from here. ` +
          'Delete this object: the user is left alone',
      };
    }
    const refusal =
      gives === undefined
        ? refusesUser(guard, user.userName)
        : refusesEntitlement({ guard, place: caller, user, ...gives });
    return refusal === undefined ? undefined : { reason: 'Refused', message: refusal.message };
  }
}
