import type { ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { sameEntry } from '../../controllers/account/index.ts';
import { annotations } from '../../controllers/names.ts';
import { refused } from './checks.ts';
import { operationOf, printOfReady, writeNote, type WriteNote } from './note.ts';
import { passwordEntry } from './password.ts';
import { isClosed } from './plan.ts';
import { entriesPatch, merged, printOf, valueAt, withEntries, type AccountPatch } from './undo.ts';
import type { Settled } from './waiting.ts';

/** What nobody could give back is taken when all else is done: then it alone can be refused. */
export function laterPatch(account: AwsAccount, note: WriteNote): AccountPatch {
  const { later, wants } = note;
  const list = account.spec.entitlements ?? [];
  const next: WriteNote = {
    ...note,
    entries: [...note.entries, ...later],
    later: [],
    wants: { ...wants, absent: [...(wants.absent ?? []), ...later.map(({ set }) => set)] },
  };
  return merged(
    entriesPatch(
      list,
      withEntries(
        list,
        later.map((change) => [change, change.set]),
      ),
    ),
    { annotations: { [annotations.undo]: writeNote(next) } },
  );
}

/** The password is the last that is asked of AWS: it cannot be taken back. */
export function passwordPatch(account: AwsAccount, note: WriteNote): AccountPatch {
  const { secret, requestId, resetRequired } = note.password ?? {
    secret: null,
    requestId: note.id,
    resetRequired: null,
  };
  const was = valueAt(account, ['spec', 'console']);
  const kept = was ?? {};
  const set = {
    ...kept,
    access: 'Managed',
    ...(secret === null ? {} : { passwordSecretRef: { name: secret, key: passwordEntry } }),
    ...(resetRequired === null ? {} : { resetRequired }),
    reset: { requestId },
  };
  const next: WriteNote = {
    ...note,
    state: 'password',
    known: printOfReady(account),
    fields: [...note.fields, { at: ['spec', 'console'], set: printOf(set), was }],
  };
  return {
    spec: { console: set },
    annotations: { [annotations.undo]: writeNote(next), [annotations.operation]: operationOf(next) },
  };
}

/** What stood on the object for the way only is taken off it. */
export function finalPatch(account: AwsAccount, note: WriteNote): AccountPatch {
  const list = account.spec.entitlements ?? [];
  // What was bound from here and is revoked need not be said any more; what nobody bound stays Absent.
  const over = note.entries.filter(
    ({ set, was }) =>
      set.state === 'Absent' &&
      was !== null &&
      list.some((entry) => sameEntry(entry, set) && entry.state === 'Absent'),
  );
  const secret = account.spec.console?.passwordSecretRef?.name;
  const used = secret !== undefined && secret === note.password?.secret;
  return merged(
    entriesPatch(
      list,
      withEntries(
        list,
        over.map((change) => [change, null]),
      ),
    ),
    used ? { spec: { console: { passwordSecretRef: null } } } : {},
    { annotations: { [annotations.undo]: null } },
  );
}

/** What became of a write whose object is gone: deleted as it was asked for, taken back, or deleted by somebody else. */
export function endOf(account: AwsAccount, note: WriteNote, user: ObservedUser | undefined): Settled {
  if (note.state === 'undoing') {
    return { kind: 'refused', refusal: note.refusal ?? refused('conflict', 'it was refused') };
  }
  if (note.kind !== 'remove') {
    const message = `AwsAccount "${account.metadata.name}" was deleted before the write was done`;
    return { kind: 'refused', refusal: refused('conflict', message) };
  }
  const disables = account.spec.deletionPolicy === 'Disable';
  if (user === undefined || (disables && isClosed(user))) {
    return { kind: 'done', userId: undefined };
  }
  const message = `IAM user "${user.userName}" was let go of and not ${disables ? 'disabled' : 'deleted'}`;
  return { kind: 'refused', refusal: refused('conflict', message) };
}
