import {
  dayMs,
  withKey,
  type KeyFacts,
  type KeyMemory,
  type KeyProblem,
  type KeyStep,
  type Stray,
} from './key-model.ts';

/** AWS may not list for this long what was made (IAM is eventually consistent). */
export const settleMs = 60_000;
/** Up to this much earlier than announced a key may seem to be made: its time has whole seconds. */
const toleranceMs = 5_000;
const againMs = 5_000;

/**
 * How long after its announcement a key may be made. A call that could not be sent by then is given up;
 * a key that is newer is somebody else's.
 */
export const announcedMs = 15 * 60_000;

/** A creation that was announced: did it come about? */
export function recovery(facts: KeyFacts, memory: KeyMemory): KeyStep | undefined {
  const { live = [], secret, now } = facts;
  const { intent, current, previous, strays } = memory;
  if (intent === null) {
    return undefined;
  }
  const recorded = new Set([current?.id, previous?.id, ...strays.map(({ id }) => id)]);
  const fresh = live.filter(
    ({ id, createdAt }) =>
      !intent.known.includes(id) &&
      !recorded.has(id) &&
      createdAt >= intent.at - toleranceMs &&
      createdAt <= intent.at + announcedMs,
  );
  const published = secret.kind === 'ours' && secret.whole ? secret.accessKeyId : undefined;
  const key = fresh.find(({ id }) => id === published);
  if (key !== undefined) {
    const note = `access key ${key.id}, made before an interruption, is in Secret ${facts.secretName}`;
    return { do: 'remember', memory: withKey(memory, key, facts), note };
  }
  if (fresh.length > 0) {
    const found = fresh.map(({ id, createdAt, active }): Stray => {
      return { id, createdAt, at: now, state: active ? 'seen' : 'idle' };
    });
    const ids = found.map(({ id }) => id).join(', ');
    return {
      do: 'remember',
      memory: { ...memory, intent: null, strays: [...strays, ...found] },
      note: `access key ${ids} turned up after an interruption and is in no Secret`,
    };
  }
  if (intent.until === undefined) {
    // The call may have been sent long after it was announced, right before it broke off.
    return { do: 'remember', memory: { ...memory, intent: { ...intent, until: now + settleMs } } };
  }
  const waitMs = Math.min(intent.until - now, settleMs);
  if (waitMs > 0) {
    const problem: KeyProblem = {
      reason: 'AccessKeyPending',
      message:
        'an access key was about to be made when the operator was interrupted; AWS is looked at until it ' +
        'is sure whether it was made',
    };
    return { do: 'rest', problem, afterMs: Math.min(waitMs, againMs) };
  }
  return { do: 'remember', memory: { ...memory, intent: null } };
}

/** Keys that turned up after an interruption: shut at once, deleted only when they are known to be ours. */
export function strayStep(facts: KeyFacts, memory: KeyMemory): KeyStep | undefined {
  for (const stray of memory.strays) {
    const { id, at, state } = stray;
    const others = memory.strays.filter((other) => other.id !== id);
    const without = { ...memory, strays: others };
    if (state === 'seen') {
      const next = { ...memory, strays: [...others, { ...stray, state: 'shut' } as const] };
      const note = `access key ${id} switched off: it is in no Secret`;
      return { do: 'switch', id, to: 'Inactive', next, note };
    }
    if (facts.access === 'Leaving') {
      continue;
    }
    const maker = facts.makers.get(id);
    if (maker === 'ours') {
      const note = `access key ${id} deleted: it was made here, and its secret was lost`;
      return { do: 'delete', id, next: without, note };
    }
    if (maker === 'other') {
      const note = `access key ${id} was made by somebody else`;
      return state === 'shut' && facts.access !== 'None'
        ? { do: 'switch', id, to: 'Active', next: without, note: `${note} and is Active again` }
        : { do: 'remember', memory: without, note };
    }
    if (maker === undefined && facts.askable(id)) {
      return { do: 'ask', id };
    }
    if (facts.now - at >= dayMs && facts.used(stray) === false) {
      const note = `access key ${id} deleted: nobody used it, and its secret was lost`;
      return { do: 'delete', id, next: without, note };
    }
  }
  return undefined;
}
