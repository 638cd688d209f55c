import type { ObservedUser } from '../../../src/account/index.ts';
import { bindingName, isEnabled, readyOf, type Standing } from '../../controllers/account/index.ts';
import type { BindingReason } from '../../controllers/binding/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { hasEdge, isSeen, shows, type Evidence } from './judge.ts';
import { fingerprint, type EntryChange, type Wants, type WriteNote } from './note.ts';
import { bindingFates } from './reasons.ts';
import { entryInAws, fieldsBackInAws, saysEntry, valueInAws } from './undo.ts';

/** So long what is taken back waits for what AWS refuses to give back, or something else keeps from it. */
const patienceMs = 30_000;

/**
 * Whether AWS is as it was before a write that is taken back, in all that the write was about: what passes (throttled,
 * out of reach) is waited for, what AWS refuses for a while only. Pure.
 */
export function isBack(evidence: Evidence): boolean {
  const { account, note, now, standing } = evidence;
  const ready = account.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!isSeen(account, note) || ready === undefined) {
    return false;
  }
  const late = now - (note.refusedAt ?? note.at) > patienceMs;
  const user = userOf(standing);
  const lasts = ready.status === 'False' || ready.reason === 'EntitlementsNotReady';
  const fieldsAreBack =
    ready.status === 'True' || (lasts && (late || (user !== undefined && showsAsBefore(evidence, user))));
  return fieldsAreBack && note.entries.every((change) => entryIsBack(evidence, change, late));
}

function showsAsBefore({ account, note, schema, place }: Evidence, user: ObservedUser): boolean {
  return shows(user, wantsBack(account, note), { schema, place, state: account.status?.state });
}

/** What AWS shows when the fields of a write are back. */
function wantsBack(account: AwsAccount, note: WriteNote): Wants {
  const attributes: Record<string, string | null> = {};
  const wants: { userName?: string; path?: string; active?: boolean } = {};
  for (const field of fieldsBackInAws(account, note)) {
    const [root, name, attribute] = field.at;
    const value = valueInAws(field) ?? null;
    if (name === 'attributes' && attribute !== undefined) {
      attributes[attribute] = value === null ? null : fingerprint(value);
    } else if ((name === 'userName' || name === 'path') && typeof value === 'string') {
      wants[name] = value;
    } else if (root === 'spec' && name === 'enabled') {
      wants.active = isEnabled(account);
    }
  }
  return { ...wants, attributes };
}

/** What the binding of an entry says of it, once the object says what was before. */
function entryIsBack(
  { account, bindings, place, standing }: Evidence,
  change: EntryChange,
  late: boolean,
): boolean {
  const { set, had } = change;
  const entry = entryInAws(change);
  if (entry === null || !saysEntry(account, change, entry)) {
    // It cannot be given back, or is somebody else's by now.
    return true;
  }
  const user = userOf(standing);
  const binding = bindings.get(bindingName(account.metadata.name, set));
  const same = (binding?.spec.state ?? 'Present') === (entry.state ?? 'Present');
  const ready = binding === undefined || !same ? undefined : readyOf(binding);
  if (ready === undefined) {
    const kept = account.status?.conditions?.some(
      ({ type, reason }) => type === 'Ready' && reason === 'EntitlementConflict',
    );
    return late && (user === undefined || kept === true);
  }
  const fate = bindingFates[ready.reason as BindingReason] ?? 'open';
  const lasts = ready.status !== 'True' && fate !== 'open';
  const asBefore = user !== undefined && hasEdge(user, set, place) === had;
  return ready.status === 'True' || (lasts && (asBefore || late)) || (user === undefined && late);
}

function userOf(standing: Standing): ObservedUser | undefined {
  return standing.kind === 'user' ? standing.user : undefined;
}
