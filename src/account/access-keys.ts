import {
  askAfterMs,
  noKeys,
  withKey,
  type KeyFacts,
  type KeyMemory,
  type KeyProblem,
  type KeyStep,
  type LiveKey,
} from './key-model.ts';
import { recovery, settleMs, strayStep } from './key-recovery.ts';

/** Keys that a user may have (IAM quotas; it cannot be raised). */
const maxKeys = 2;

/**
 * What to do next about the access keys of a user that is enabled. Each step can be repeated, and the
 * process may end after any: what is remembered, the Secret and a look tell where it was. Pure.
 */
export function nextKeyStep(facts: KeyFacts): KeyStep {
  const { live, lookAnyway } = facts;
  const memory = facts.memory ?? noKeys;
  const ends = facts.access === 'Unmanaged' || facts.access === 'Leaving';
  const blind =
    facts.memory === undefined ||
    memory.baseline === true ||
    memory.lapsed === true ||
    memory.revoking === true;
  if (live === undefined && (memory.intent !== null || (!ends && (lookAnyway || blind)))) {
    return { do: 'look' };
  }
  const begun = recovery(facts, memory) ?? strayStep(facts, memory);
  if (begun !== undefined) {
    return begun;
  }
  if (ends) {
    return ending(facts, memory);
  }
  return facts.access === 'None' ? revocation(facts, memory) : upkeep(facts, memory);
}

/** Keys are not ours to keep any more: only what was begun here is ended. */
function ending(facts: KeyFacts, memory: KeyMemory): KeyStep {
  const { previous } = memory;
  if (previous !== null && (facts.access === 'Leaving' || facts.now >= previous.until)) {
    return retire(memory, previous.id);
  }
  return rest(facts, memory);
}

/** A key that was replaced goes. */
function retire(memory: KeyMemory, id: string): KeyStep {
  const note = `access key ${id} deleted: it was replaced`;
  return { do: 'delete', id, next: { ...memory, previous: null }, note };
}

/** Ours go, others' are switched off. */
function revocation(facts: KeyFacts, memory: KeyMemory): KeyStep {
  const { live, secret } = facts;
  if (live === undefined) {
    return memory.none === true && memory.revoking !== true ? rest(facts, memory) : { do: 'look' };
  }
  const { current, previous, strays } = memory;
  const own = [current?.id, previous?.id].find((id) => id !== undefined);
  const open = live.find(({ id, active }) => active && id !== own);
  const published = secret.kind === 'ours' && (secret.accessKeyId !== undefined || secret.bare);
  if ((own !== undefined || open !== undefined || published) && memory.revoking !== true) {
    return { do: 'remember', memory: { ...memory, none: true, revoking: true } };
  }
  if (own !== undefined) {
    const next = {
      ...memory,
      current: current?.id === own ? null : current,
      previous: previous?.id === own ? null : previous,
    };
    return { do: 'delete', id: own, next, note: `access key ${own} deleted` };
  }
  if (open !== undefined) {
    return {
      do: 'switch',
      id: open.id,
      to: 'Inactive',
      next: memory,
      note: `access key ${open.id} switched off`,
    };
  }
  if (published) {
    return { do: 'unpublish' };
  }
  const { revoking, off, baseline, lapsed, secret: name } = memory;
  const settled =
    memory.none === true && name === null && (revoking ?? off ?? baseline ?? lapsed) === undefined;
  return settled ? rest(facts, memory) : { do: 'remember', memory: { ...noKeys, none: true, strays } };
}

/** One usable key of ours, published. */
function upkeep(facts: KeyFacts, memory: KeyMemory): KeyStep {
  const { live, secret, secretName, now } = facts;
  const { current, previous } = memory;
  if (previous !== null && current !== null && now >= previous.until) {
    return retire(memory, previous.id);
  }
  if (secret.kind === 'foreign') {
    const message =
      `there is a Secret ${secretName} that is not this object's; it is left alone, and no access key is made. ` +
      'Name another one in spec.credentialsSecretName, or take that one away';
    return rest(facts, memory, { reason: 'SecretConflict', message });
  }
  if (memory.secret !== null && memory.secret !== secretName) {
    return { do: 'move', from: memory.secret, next: { ...memory, secret: secretName } };
  }
  if (current === null) {
    return first(facts, memory);
  }
  const seen = live?.find(({ id }) => id === current.id);
  if (live !== undefined && seen === undefined && now - current.createdAt > settleMs) {
    const { off: _off, ...rested } = memory;
    const note = `access key ${current.id} is gone from AWS`;
    return { do: 'remember', memory: { ...rested, current: null }, note, mended: true };
  }
  if (memory.revoking === true && seen !== undefined) {
    return unrevoked(memory, seen);
  }
  if (secret.kind === 'absent' || secret.accessKeyId !== current.id || !secret.whole) {
    return replacement(facts, memory, `the secret of ${current.id} was lost with its Secret`, true);
  }
  if (!secret.labelled) {
    return { do: 'label' };
  }
  if (facts.leftOff.includes(current.id) && memory.off !== true) {
    return leftOff(facts, { ...memory, off: true }, current.id);
  }
  const active = live === undefined ? isLastSeenActive(facts, current.id) : (seen?.active ?? true);
  if (!active) {
    if (memory.off === true) {
      return rest(facts, memory);
    }
    if (live === undefined) {
      return { do: 'look' };
    }
    const message =
      `access key ${current.id} was set Inactive in AWS, which may have its reason, so it stays so. Set it Active ` +
      `there, or delete Secret ${secretName} to have a new key`;
    return rest(facts, memory, { reason: 'AccessKeyInactive', message });
  }
  if (live !== undefined && memory.off === true && !facts.leftOff.includes(current.id)) {
    const { off: _off, ...on } = memory;
    return { do: 'remember', memory: on };
  }
  if (memory.lapsed === true) {
    const { lapsed: _lapsed, ...known } = memory;
    return { do: 'remember', memory: known };
  }
  const { rotateAfterMs } = facts;
  if (rotateAfterMs !== undefined && memory.off !== true && now - current.createdAt >= rotateAfterMs) {
    return replacement(facts, memory, `${current.id} is older than it may be`, false);
  }
  return rest(facts, memory);
}

/** An enable leaves the key off, which the disable may not have come to. */
function leftOff({ live }: KeyFacts, next: KeyMemory, id: string): KeyStep {
  if (live === undefined) {
    return { do: 'look' };
  }
  const isOpen = live.some((key) => key.id === id && key.active);
  const note = `access key ${id} switched off, which the disable had not come to`;
  return isOpen ? { do: 'switch', id, to: 'Inactive', next, note } : { do: 'remember', memory: next };
}

/** `None` broke off, and is not wanted any more: what it switched off comes back. */
function unrevoked(memory: KeyMemory, { id, active }: LiveKey): KeyStep {
  const { none: _none, revoking: _revoking, ...kept } = memory;
  const note = `access key ${id} is Active again, which was being deleted`;
  return active || memory.off === true
    ? { do: 'remember', memory: kept }
    : { do: 'switch', id, to: 'Active', next: kept, note };
}

/** There is no key of ours. */
function first(facts: KeyFacts, memory: KeyMemory): KeyStep {
  const { live, secret } = facts;
  if (live === undefined) {
    return { do: 'look' };
  }
  const published = secret.kind === 'ours' && secret.whole ? secret.accessKeyId : undefined;
  const key = live.find(({ id }) => id === published);
  if (key !== undefined) {
    return { do: 'remember', memory: withKey(memory, key, facts) };
  }
  if (memory.baseline === true && live.length > 0) {
    const message =
      `the user had access key ${live.map(({ id }) => id).join(', ')} before this object knew of it, in no Secret of ` +
      'its own; nothing is made from ignorance. For a key of its own set spec.programmatic.access to Unmanaged, then ' +
      'back to Managed';
    return rest(facts, memory, { reason: 'AccessKeysUnknown', message });
  }
  return room(facts, memory, live) ?? { do: 'make', why: 'there was none' };
}

/** Another key in the place of the current one, which works on for a while. */
function replacement(facts: KeyFacts, memory: KeyMemory, why: string, urgent: boolean): KeyStep {
  const { live } = facts;
  const { previous } = memory;
  if (previous !== null && !urgent) {
    // The last replacement is still under way: when it is done, the next one begins.
    return rest(facts, memory);
  }
  if (live === undefined) {
    return { do: 'look' };
  }
  if (previous !== null && !live.some(({ id }) => id === previous.id)) {
    return { do: 'remember', memory: { ...memory, previous: null } };
  }
  if (previous !== null) {
    // Its own replacement has lost its secret: of two keys of ours this one goes, to make room.
    return retire(memory, previous.id);
  }
  return room(facts, memory, live) ?? { do: 'make', why };
}

/** What keeps another key from being made: a user has two at most, and others' are not deleted for it. */
function room(facts: KeyFacts, memory: KeyMemory, live: readonly LiveKey[]): KeyStep | undefined {
  if (live.length < maxKeys) {
    return undefined;
  }
  const whose = (id: string): string =>
    id === memory.current?.id
      ? 'made here'
      : id === memory.previous?.id
        ? 'replaced, still working'
        : memory.strays.some((stray) => stray.id === id)
          ? 'found after an interruption, switched off, and not known yet to be ours'
          : 'not made here';
  const keys = live.map(({ id }) => `${id} (${whose(id)})`).join(' and ');
  const message =
    `an access key is to be made, and the user has its ${maxKeys} already: ${keys}. Keys that were not made here are ` +
    'never deleted; delete one in AWS to make room';
  return rest(facts, memory, { reason: 'AccessKeyLimit', message });
}

function isLastSeenActive(facts: KeyFacts, id: string): boolean {
  return facts.lastSeen.find((key) => key.id === id)?.active ?? true;
}

function rest(facts: KeyFacts, memory: KeyMemory, problem?: KeyProblem): KeyStep {
  const { access, now, rotateAfterMs } = facts;
  const { current, previous, strays } = memory;
  const due = [
    ...strays.map((stray) => askAfterMs(stray, now)),
    ...(previous === null || (current === null && access !== 'Unmanaged') ? [] : [previous.until - now]),
    ...(current === null || rotateAfterMs === undefined || memory.off === true
      ? []
      : [current.createdAt + rotateAfterMs - now]),
  ].filter((ms) => ms > 0);
  const afterMs = due.length === 0 ? undefined : Math.min(...due);
  return { do: 'rest', ...(problem === undefined ? {} : { problem }), afterMs };
}
