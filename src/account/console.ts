import { noConsole, type ConsoleFacts, type ConsoleMemory, type ConsoleStep } from './console-model.ts';

/** How long AWS may go on showing what was before a write (IAM is eventually consistent). */
export const profileSettleMs = 60_000;
/** A password that AWS refused is tried again after this time: the account's policy may have changed. */
const refusedMs = 3_600_000;

/**
 * The next thing to do about the console password of an enabled user, or of one that is about to be let in
 * again. Pure; after each step it is asked again. It writes a password where there is to be one and is none,
 * where its input changed and where a reset is asked for, and never otherwise.
 */
export function nextConsoleStep(facts: ConsoleFacts): ConsoleStep {
  return facts.access === 'None' ? withoutPassword(facts) : withPassword(facts);
}

function withoutPassword(facts: ConsoleFacts): ConsoleStep {
  const { made, opening, profile, lookAnyway, now } = facts;
  const memory = facts.memory ?? noConsole;
  const settled = memory.none === true && memory.lapsed !== true && memory.pending === null;
  const known = made && facts.memory === undefined;
  if (profile === undefined && !known && (!settled || opening || lookAnyway)) {
    return { do: 'look' };
  }
  // What was written a moment ago may not be to be seen yet.
  if (profile === true || memory.pending !== null || isYoung(memory, now)) {
    return { do: 'remove', ...(settled && !opening ? { mended: true } : {}) };
  }
  if (memory.changeRight && !facts.rightBound) {
    return { do: 'takeRight' };
  }
  if (memory.published !== null) {
    return { do: 'unpublish', secret: memory.published.secret };
  }
  if (!settled) {
    const { resetId, changeRight } = memory;
    return { do: 'remember', memory: { ...noConsole, none: true, resetId, changeRight, checkedAt: now } };
  }
  return { do: 'rest' };
}

function withPassword(facts: ConsoleFacts): ConsoleStep {
  const { opening, profile, resetId, input, secretName, now } = facts;
  const memory = facts.memory ?? noConsole;
  if (memory.published !== null && memory.published.secret !== secretName) {
    return { do: 'move', from: memory.published.secret };
  }
  if (memory.pending !== null) {
    return set(facts, memory.pending.how, opening ? removedBefore : '');
  }
  const absent = isAbsent(facts);
  if (absent === undefined) {
    return { do: 'look' };
  }
  if (absent && profile === false && memory.absent !== true && isYoung(memory, now)) {
    return { do: 'rest', afterMs: profileSettleMs };
  }
  if (absent) {
    const lost = !opening && memory.checkedAt !== null && !isUnsettled(memory, opening);
    const why = opening ? removedBefore : lost ? ', since it was removed in AWS' : '';
    const step = set(facts, 'create', why);
    return lost && step.do === 'set' ? { ...step, mended: true } : step;
  }
  if (memory.baseline === true) {
    return record(facts, { resetId: resetId ?? null, input: input.kind === 'given' ? input.hash : null });
  }
  if (resetId !== undefined && resetId !== memory.resetId) {
    return set(facts, 'update', `, as reset ${resetId} asks`);
  }
  if (input.kind === 'missing' && memory.input === null) {
    return set(facts, 'update', '');
  }
  if (input.kind === 'given' && isNews(memory.input, input.hash)) {
    return set(facts, 'update', '');
  }
  const otherKey = input.kind === 'given' && input.hash !== memory.input;
  if (facts.memory === undefined || isUnsettled(memory, opening) || otherKey) {
    return record(facts, otherKey ? { input: input.hash } : {});
  }
  return keep(facts, memory);
}

const removedBefore = ', since the one before was removed when the account was disabled';

/** There is a password, and it is as declared. */
function keep(
  { changed, rightBound, rightTried, rightGone, userName }: ConsoleFacts,
  memory: ConsoleMemory,
): ConsoleStep {
  const { published, mustChange } = memory;
  if (memory.input !== null && published !== null) {
    return { do: 'unpublish', secret: published.secret };
  }
  if (published !== null && published.userName !== userName) {
    return { do: 'label' };
  }
  const needed = mustChange && !changed;
  if (memory.changeRight && !needed && !rightBound) {
    return { do: 'takeRight' };
  }
  if (mustChange && changed) {
    return { do: 'remember', memory: { ...memory, mustChange: false, rightDue: false } };
  }
  const due = memory.rightDue || (needed && rightGone);
  return due && !rightTried ? { do: 'giveRight' } : { do: 'rest' };
}

/** Whether it is known that there is no login profile; undefined where only a look can tell. */
function isAbsent(facts: ConsoleFacts): boolean | undefined {
  const { memory, made, opening, switchedOff, profile, lookAnyway } = facts;
  if (profile !== undefined) {
    return !profile;
  }
  if (memory?.absent === true || (made && memory === undefined)) {
    return true;
  }
  const strange = memory === undefined || memory.baseline === true;
  if (opening && memory?.back !== true && (switchedOff || !strange)) {
    // A disable leaves no login profile.
    return true;
  }
  const unsure = strange || memory.none === true || memory.lapsed === true;
  return unsure || lookAnyway || opening ? undefined : false;
}

/** A password is to be set: says so, or why it cannot be. */
function set(facts: ConsoleFacts, how: 'create' | 'update', why: string): ConsoleStep {
  const { input, resetId, now } = facts;
  const memory = facts.memory ?? noConsole;
  const blocked = (
    reason: 'PasswordSecretNotFound' | 'PasswordPolicyViolation',
    message: string,
    afterMs?: number,
  ): ConsoleStep =>
    how === 'create' && memory.absent !== true && memory.pending === null
      ? // Later passes do not know any more that there is none.
        { do: 'remember', memory: { ...withoutFlags(memory), absent: true } }
      : { do: 'rest', problem: { reason, message }, ...(afterMs === undefined ? {} : { afterMs }) };
  if (input.kind === 'missing') {
    return blocked('PasswordSecretNotFound', input.why);
  }
  const { refused } = memory;
  if (
    refused !== null &&
    refused.input === (input.kind === 'given' ? input.hash : null) &&
    refused.resetId === (resetId ?? null) &&
    now - refused.at < refusedMs
  ) {
    return blocked('PasswordPolicyViolation', refused.message, refused.at + refusedMs - now);
  }
  return { do: 'set', how, why };
}

function record(facts: ConsoleFacts, more: Partial<ConsoleMemory>): ConsoleStep {
  const { input, opening, now } = facts;
  const memory = facts.memory ?? noConsole;
  if (memory.baseline === true && input.kind === 'missing') {
    // What it will hold is what it holds already, as far as anybody knows.
    return { do: 'rest', problem: { reason: 'PasswordSecretNotFound', message: input.why } };
  }
  const back = memory.back === true && opening ? { back: true as const } : {};
  return { do: 'remember', memory: { ...withoutFlags(memory), ...back, ...more, checkedAt: now } };
}

function isUnsettled(memory: ConsoleMemory, opening: boolean): boolean {
  return (
    memory.none === true ||
    memory.absent === true ||
    memory.lapsed === true ||
    (memory.back === true && !opening)
  );
}

/** The memory of a login profile that is there. */
export function withoutFlags(memory: ConsoleMemory): ConsoleMemory {
  const { baseline: _baseline, none: _none, absent: _absent, lapsed: _lapsed, back: _back, ...rest } = memory;
  return rest;
}

/** A hash under another key says nothing of whether the password is another one. */
function isNews(before: string | null, hash: string): boolean {
  return before === null || (keyId(before) === keyId(hash) && before !== hash);
}

function keyId(hash: string): string {
  return hash.slice(0, hash.indexOf(':'));
}

/** Whether a password was set so recently that AWS may not show it yet. */
export function isYoung({ setAt }: ConsoleMemory, now: number): boolean {
  return setAt !== null && now - setAt < profileSettleMs;
}
