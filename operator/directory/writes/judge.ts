import type { ObservedUser } from '../../../src/account/index.ts';
import { findEdge, readReference, type Place } from '../../../src/entitlement/index.ts';
import type { Refusal } from '../../../src/idhub/index.ts';
import { decodeValue, sameName, type AccountSchema } from '../../../src/schema/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import {
  bindingName,
  passwordRefusalOf,
  passwordStanding,
  readyOf,
  type AccountReason,
  type Standing,
} from '../../controllers/account/index.ts';
import type { BindingReason } from '../../controllers/binding/index.ts';
import { fingerprint, operationOf, printOfReady, type Named, type Wants, type WriteNote } from './note.ts';
import { accountFates, bindingFates, type Fate } from './reasons.ts';
import { isAsWritten } from './undo.ts';

/** What a write is judged by. */
export interface Evidence {
  readonly account: AwsAccount;
  readonly note: WriteNote;
  /** Which user the object stands for. */
  readonly standing: Standing;
  /** The bindings that are the object's own, by name. */
  readonly bindings: ReadonlyMap<string, AwsEntitlementBinding>;
  readonly schema: AccountSchema;
  readonly place: Place;
  readonly now: number;
  /** When the newest reading of the AWS account began. */
  readonly readAt: number;
  /** How far AWS's clock is ahead. */
  readonly skewMs: number;
}

type ReadyCondition = { readonly status: string; readonly reason: string; readonly message: string };

export type Judgement =
  | { readonly kind: 'done'; readonly user: ObservedUser }
  /** Not yet; what it waits for, for people. */
  | { readonly kind: 'open'; readonly message: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** So long a group or policy that was made a moment ago may not be to be seen. */
const youngMs = 10_000;
/** So long a write may be under way: others wait for it. */
const longestMs = 900_000;
/** So long after a restart a reading may show what was before our own last writes. */
const settleMs = 60_000;

/** How a write stands: by what AWS shows once the controller has worked on it, not by whether all of the account is well. Pure. */
export function judge(evidence: Evidence): Judgement {
  const { account, note, standing } = evidence;
  const refused = bindingRefusal(evidence);
  if (refused !== undefined) {
    return { kind: 'refused', refusal: refused };
  }
  const ready = account.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!isSeen(account, note) || ready === undefined) {
    return { kind: 'open', message: `AwsAccount "${account.metadata.name}" waits for its turn` };
  }
  if (standing.kind === 'user' && isDone(evidence, standing.user)) {
    if (note.kind === 'create' && !isMadeBy(note, standing.user, evidence.skewMs)) {
      const message = `IAM user "${standing.user.userName}" exists already`;
      return { kind: 'refused', refusal: { kind: 'uniqueness', message } };
    }
    return { kind: 'done', user: standing.user };
  }
  const message = `${ready.reason}: ${ready.message}`;
  const refusal = passwordRefusal(evidence) ?? accountRefusal(evidence, ready) ?? conflictOf(evidence, ready);
  return refusal === undefined ? { kind: 'open', message } : { kind: 'refused', refusal };
}

/** What the account says of what is asked of it itself: not of its entitlements, and not what it said before. */
function accountRefusal(
  { account, note, standing, schema, place }: Evidence,
  ready: ReadyCondition,
): Refusal | undefined {
  const fate = ready.status === 'False' ? fateOf(note, ready.reason) : 'open';
  const { present: _present, absent: _absent, ...own } = note.wants;
  const shown =
    note.state === 'password'
      ? note.known === printOfReady(account)
      : standing.kind === 'user' &&
        shows(standing.user, own, { schema, place, state: account.status?.state });
  return fate === 'open' || shown ? undefined : { kind: fate, message: `${ready.reason}: ${ready.message}` };
}

/** What AWS says of the password, whatever else the account is not. */
function passwordRefusal({ account, note, standing }: Evidence): Refusal | undefined {
  const { requestId } = note.password ?? {};
  if (note.state !== 'password' || requestId === undefined || standing.kind !== 'user') {
    return undefined;
  }
  return passwordStanding(account, standing.user.userId, requestId) === 'refused'
    ? {
        kind: 'invalidValue',
        message: passwordRefusalOf(account, standing.user.userId) ?? 'AWS refuses the password',
      }
    : undefined;
}

/** Somebody else has changed what was asked for, or it does not come to its end. */
function conflictOf({ account, note, now }: Evidence, ready: ReadyCondition): Refusal | undefined {
  const called = `AwsAccount "${account.metadata.name}"`;
  const others = 'somebody else (GitOps, perhaps) has changed the object, or the user, meanwhile';
  if (!isAsWritten(account, note)) {
    return { kind: 'conflict', message: `${called} does not say any more what was asked for: ${others}` };
  }
  if (ready.status === 'True' && now - note.at > settleMs) {
    const message = `${called} is as declared, and AWS does not show what was asked for: ${others}`;
    return { kind: 'conflict', message };
  }
  return now - note.at > longestMs
    ? {
        kind: 'conflict',
        message: `not done within ${longestMs / 60_000} minutes (${ready.reason}: ${ready.message})`,
      }
    : undefined;
}

/** Whether the controller has worked on what the object says. */
export function isSeen({ status, metadata }: AwsAccount, note: WriteNote): boolean {
  return (
    status?.observedOperation === operationOf(note) &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** So much earlier than its write a user may seem to be made: clocks differ. */
const toleranceMs = 300_000;

/** Whether a user that has the owner tag of an object was made by this write, and does not have it from long before. */
export function isMadeBy({ at }: WriteNote, { createdAt }: ObservedUser, skewMs: number): boolean {
  return createdAt + toleranceMs >= at + skewMs;
}

/** Whether AWS shows what was asked for. */
function isDone({ account, note, schema, place }: Evidence, user: ObservedUser): boolean {
  if (note.state === 'password') {
    return passwordStanding(account, user.userId, note.password?.requestId ?? '') === 'set';
  }
  return shows(user, note.wants, { schema, place, state: account.status?.state });
}

/** Whether a user is as it is wanted. Pure. */
export function shows(
  user: ObservedUser,
  wants: Wants,
  context: {
    readonly schema: AccountSchema;
    readonly place: Place;
    readonly state: NonNullable<AwsAccount['status']>['state'];
  },
): boolean {
  const { userName, path, attributes = {}, active, present = [], absent = [] } = wants;
  const tags = new Map(user.tags.map((tag) => [tag.key, tag.value]));
  const has = (named: Named): boolean => hasEdge(user, named, context.place);
  return (
    (userName === undefined || sameName(userName, user.userName)) &&
    (path === undefined || path === user.path) &&
    (active === undefined || context.state === (active ? 'Enabled' : 'Disabled')) &&
    Object.entries(attributes).every(([name, wanted]) => {
      const definition = context.schema.get(name);
      const value = definition === undefined ? undefined : decodeValue(definition.tagKey, tags)?.value;
      return wanted === (value === undefined ? null : fingerprint(value));
    }) &&
    present.every(has) &&
    !absent.some(has)
  );
}

export function hasEdge(user: ObservedUser, named: Named, place: Place): boolean {
  const read = readReference(named, place);
  return read.kind === 'read' && findEdge(user, read.reference) !== undefined;
}

/** Of the edges that were asked for, the first whose binding says that it cannot be. */
function bindingRefusal(evidence: Evidence): Refusal | undefined {
  const { account, note, bindings, now, readAt } = evidence;
  if (note.state !== 'open') {
    return undefined;
  }
  for (const { set } of note.entries) {
    const binding = bindings.get(bindingName(account.metadata.name, set));
    const ready = binding === undefined ? undefined : readyOf(binding);
    const same = (binding?.spec.state ?? 'Present') === (set.state ?? 'Present');
    if (ready === undefined || !same || ready.status === 'True') {
      continue;
    }
    const looked = now - note.at > youngMs || (set.type === 'Group' && readAt > note.at);
    const waits = ready.reason === 'WaitingForEntitlement' && looked;
    const fate =
      ready.status === 'False' || waits ? (bindingFates[ready.reason as BindingReason] ?? 'open') : 'open';
    if (fate !== 'open' && !(ready.reason === 'LimitExceeded' && makesRoom(evidence))) {
      return {
        kind: fate,
        message: `${set.type} ${set.name ?? set.arn ?? ''}: ${ready.message}`,
      };
    }
  }
  return undefined;
}

/** What the same write takes away makes room, and who found none may not have looked again. */
function makesRoom({ account, note, standing, place, bindings, now }: Evidence): boolean {
  return note.entries.some(({ set, had }) => {
    if (set.state !== 'Absent' || !had) {
      return false;
    }
    const { status } = bindings.get(bindingName(account.metadata.name, set)) ?? {};
    const gone = status?.conditions?.find((one) => one.type === 'Ready' && one.status === 'True');
    const since = Math.max(note.at, Date.parse(gone?.lastTransitionTime ?? '') || 0);
    return now - since <= youngMs || (standing.kind === 'user' && hasEdge(standing.user, set, place));
  });
}

function fateOf({ kind }: WriteNote, reason: string): Fate {
  const taken = reason === 'AlreadyExists' || reason === 'Conflict';
  return kind === 'create' && taken ? 'uniqueness' : (accountFates[reason as AccountReason] ?? 'open');
}
