import type { ObservedUser } from '../../../src/account/index.ts';
import type { AccountWrite, WriteOutcome } from '../../../src/idhub/index.ts';
import { awsAccountType, type AwsAccount } from '../../api/v1alpha1/index.ts';
import { isEnabled } from '../../controllers/account/index.ts';
import { annotations, isTrue } from '../../controllers/names.ts';
import { isConflict, isNotFound, keyOf } from '../../runtime/index.ts';
import type { Request, WriteDesk } from './desk.ts';
import { isClosed } from './plan.ts';
import { writeNote, type FieldChange, type WriteNote } from './note.ts';

/** Whether a request asks for nothing but to disable. */
export function onlyDisables(write: AccountWrite): boolean {
  const asked = Object.entries(write).filter(([, value]) => value !== undefined);
  return write.active === false && asked.every(([name]) => name === 'active');
}

/** Whether a user is shut out, and the controller knows that it is to be: it lets nobody in again meanwhile. */
export function isShut(account: AwsAccount, user: ObservedUser | undefined): boolean {
  const { status, metadata } = account;
  const known = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return !isEnabled(account) && known && user !== undefined && isClosed(user);
}

/** Where those wait who overtake the writes of an object to disable it. */
export function shutId({ metadata }: AwsAccount): string {
  return `${metadata.uid ?? ''}/shut`;
}

/**
 * Disables the account of a write that is not finished: who is to be shut out does not wait for it. What that write
 * says of access is overruled from here on, also where it is taken back.
 * @returns `over` where the other write has ended; undefined: not in time
 */
export async function overtake(
  desk: WriteDesk,
  { account, userId }: { readonly account: AwsAccount; readonly userId: string },
  note: WriteNote,
  request: Request,
): Promise<'again' | 'shut' | 'over' | undefined> {
  const { accounts, clock, waiting, wake } = desk.options;
  const { signal } = request.context;
  const shut = waiting.open(shutId(account));
  const other = waiting.open(note.id);
  try {
    const current = await shutOut(desk, account, note, request);
    if (current === undefined) {
      return 'again';
    }
    const user = (): ObservedUser | undefined => desk.place(request.name).snapshot.byId(userId);
    if (isShut(current, user())) {
      return 'shut';
    }
    wake(keyOf(current));
    const ms = request.until - clock.now();
    const settled = await Promise.race([shut.outcome(ms, signal), other.outcome(ms, signal)]);
    const latest = accounts.get(keyOf(current));
    if (latest !== undefined && latest.metadata.uid === current.metadata.uid && isShut(latest, user())) {
      return 'shut';
    }
    return settled === undefined ? undefined : 'over';
  } finally {
    shut.close();
    other.close();
  }
}

/** What is told to who disables, and only that, while another write goes on. */
export function notYetShut(): WriteOutcome {
  const message =
    'accepted and not finished yet: the account is being disabled while another write to it is under way; ask again';
  return { kind: 'pending', retryAfterMs: 5_000, message };
}

/** Whether a request is to overtake a write: it disables, and the object is worked on. */
export function overtakes(
  { active }: AccountWrite,
  { metadata }: AwsAccount,
  note: WriteNote,
  { key, context }: Request,
  version: string,
): boolean {
  return (
    active === false &&
    note.kind !== 'remove' &&
    note.key !== key &&
    metadata.deletionTimestamp === undefined &&
    !isTrue(metadata, annotations.paused) &&
    (context.ifVersion === undefined || context.ifVersion.includes(version))
  );
}

async function shutOut(
  desk: WriteDesk,
  account: AwsAccount,
  note: WriteNote,
  { context }: Request,
): Promise<AwsAccount | undefined> {
  const { accounts, client, logger } = desk.options;
  const fields = note.fields.filter((field) => !isOfAccess(field));
  const { uid, resourceVersion, annotations: said = {} } = account.metadata;
  const by = said[annotations.disabledBy];
  if (by !== undefined && account.spec.enabled === false && fields.length === note.fields.length) {
    return account;
  }
  context.signal.throwIfAborted();
  try {
    const written = await client.mergePatch<AwsAccount>(awsAccountType, keyOf(account), {
      metadata: {
        uid,
        resourceVersion,
        annotations: {
          [annotations.disabledBy]: by ?? context.caller,
          [annotations.undo]: writeNote({ ...note, fields }),
        },
      },
      spec: { enabled: false },
    });
    accounts.set(written);
    logger.info('an account is disabled before a write to it is finished', {
      account: keyOf(account),
      operation: note.id,
      caller: context.caller,
    });
    return written;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) {
      await desk.look(keyOf(account));
      return undefined;
    }
    throw error;
  }
}

/** Whether the user may sign in. */
function isOfAccess({ at: [root, name] }: FieldChange): boolean {
  return root === 'annotations' ? name === annotations.disabledBy : root === 'spec' && name === 'enabled';
}
