import { identify, ownerTag, ownerValue, tagValue, type ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import { declaredOf, ownerOf } from './declared.ts';
import { memoryOf } from './memory.ts';
import { sight } from './pass.ts';

/** Which user an account stands for, for those who work on that user beside it. */
export type Standing =
  | {
      readonly kind: 'user';
      readonly user: ObservedUser;
      /** It was made for this account, and not taken over. */
      readonly made: boolean;
    }
  /** None that may be worked on, and why. */
  | { readonly kind: 'none'; readonly message: string };

/** Up to this much earlier than announced a user may seem to be made: its time has whole seconds. */
const toleranceMs = 5_000;

/** By the last reading of the AWS account and what the object remembers; never by its status. */
export function standingOf(
  account: AwsAccount,
  connection: UsableConnection,
  installation: string,
): Standing {
  const name = `AwsAccount "${account.metadata.name}"`;
  const snapshot = connection.snapshots.current;
  const memory = memoryOf(account);
  const recorded = memory.applied?.account;
  if (account.metadata.deletionTimestamp !== undefined) {
    return none(`${name} is being deleted`);
  }
  if (snapshot === undefined || (recorded !== undefined && recorded !== connection.caller.accountId)) {
    return none(`${name} stands for a user of another AWS account`);
  }
  const declared = declaredOf(account, connection.defaults);
  const owner = ownerOf(account, installation);
  const seen = sight(snapshot, declared, memory, ownerValue(owner));
  if (account.spec.management === 'Observe') {
    const user = seen.byId ?? seen.byName;
    return user === undefined
      ? none(`${name} observes a user that is not there`)
      : { kind: 'user', user, made: false };
  }
  const identity = identify(declared, owner, memory, seen);
  switch (identity.kind) {
    case 'ours': {
      const { user } = identity;
      const announced = memory.applied?.since ?? Infinity;
      const made =
        tagValue(user.tags, ownerTag) === ownerValue(owner) &&
        user.createdAt + toleranceMs >= announced + connection.api.skewMs;
      return { kind: 'user', user, made };
    }
    case 'absent':
      return none(`${name} has no user yet`);
    case 'gone':
      return none(`the user of ${name} is not there`);
    case 'adoptable':
      return none(`${name} has not taken over its user yet`);
    case 'refused':
      return none(`${name} does not stand for a user: ${identity.message}`);
  }
}

function none(message: string): Standing {
  return { kind: 'none', message };
}
