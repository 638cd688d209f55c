import { keptMs, type WriteOutcome } from '../../../src/idhub/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { memoryOf, standingOf, userKeyOf } from '../../controllers/account/index.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import { refused } from './checks.ts';
import { refusedWith, type Place, type Request, type WriteDesk } from './desk.ts';
import { lastWriteOf, newNote, noteOf } from './note.ts';
import { unansweredMs } from './waiting.ts';

/**
 * What stands against an account of a name that is to be made: an earlier request that made it or is making it, or an
 * object that has the name. Undefined: nothing.
 */
export async function earlierOf(
  desk: WriteDesk,
  userName: string,
  place: Place,
  request: Request,
): Promise<WriteOutcome | 'again' | undefined> {
  const { accounts, installation, permits, waiting } = desk.options;
  const { connection, view } = place;
  const claims = accounts
    .byIndex('user', userKeyOf(connection.key, userName))
    .filter(
      ({ spec, metadata }) =>
        spec.management !== 'Observe' && permits(connection.key, metadata.namespace ?? ''),
    );
  for (const account of claims) {
    const note = noteOf(account);
    const same = note?.kind === 'create' && note.key === request.key;
    // Of equal requests at one time the first makes the account; who asks again joins it. Who is leaving makes room.
    if (note?.kind === 'remove' || (same && !waiting.isWaited(note.id))) {
      const outcome = await desk.meet(account, note, request);
      return outcome === 'over' ? 'again' : outcome;
    }
    if (note !== undefined) {
      continue;
    }
    const standing = standingOf(account, connection, installation);
    if (standing.kind === 'user' && isUnanswered(desk, account, request)) {
      waiting.answered(lastWriteOf(account) ?? '');
      return { kind: 'done', account: view.account(standing.user.userId), changed: true };
    }
    if (standing.kind === 'none' && isForsaken(account)) {
      return letGo(desk, account, request);
    }
  }
  const [first] = claims;
  return first === undefined
    ? undefined
    : refusedWith(
        refused('uniqueness', `AwsAccount "${keyString(keyOf(first))}" has the name "${userName}" already`),
      );
}

/** An account that this very request has made, in a process that was killed perhaps, and nobody was told of it. */
function isUnanswered(desk: WriteDesk, account: AwsAccount, { key, context }: Request): boolean {
  const { clock, waiting } = desk.options;
  const { operationId } = context;
  const id = lastWriteOf(account) ?? '';
  const age = clock.now() - Date.parse(account.metadata.creationTimestamp ?? '');
  if (!id.endsWith(`.${key}`)) {
    return false;
  }
  return (
    (operationId !== undefined && id.startsWith(`${operationId}/`) && age < keptMs) ||
    // Whoever asked first may be about to be told.
    (age < unansweredMs && !waiting.isWaited(id) && !waiting.wasAnswered(id))
  );
}

/** Its user was deleted in AWS by others, and it waits for somebody to say what is to become of it. */
function isForsaken({ metadata, status }: AwsAccount): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return (
    metadata.deletionTimestamp === undefined &&
    ready?.reason === 'DeletedOutside' &&
    ready.observedGeneration === metadata.generation
  );
}

/** An object whose user is gone makes room for a new one of that name: another person, who gets nothing of the first. */
async function letGo(
  desk: WriteDesk,
  account: AwsAccount,
  request: Request,
): Promise<WriteOutcome | 'again'> {
  const note = newNote({
    id: desk.idOf(request),
    kind: 'remove',
    key: `${request.key}/before`,
    at: desk.options.clock.now(),
    made: false,
    userId: memoryOf(account).userId ?? null,
  });
  // Should the user be there after all, it stays.
  const patch = { spec: { deletionPolicy: 'Retain' } };
  const outcome = await desk.submit({ account, made: false, patch, note }, request);
  return outcome === 'again' || outcome.kind === 'done' ? 'again' : outcome;
}
