import { createHash } from 'node:crypto';
import {
  checkAttributes,
  decodeValue,
  encodeValue,
  fold,
  isContinuation,
  isWritten,
  maxTags,
  partKey,
  planTags,
  sameName,
  type AccountSchema,
  type Tag,
} from '../schema/index.ts';
import type { Applied, Declared, DisableWith, ObservedUser } from './model.ts';
import { ownerTag, ownerValue, type Owner } from './ownership.ts';
import { isDisabledTag, isHalfEnabled, remembered } from './switched-off.ts';

/** One thing to do to a user, each harmless when it is done twice. In the order of the plan. */
export type Step =
  | { readonly do: 'disable'; readonly audit: boolean }
  | { readonly do: 'rename'; readonly to: string }
  | { readonly do: 'move'; readonly path: string }
  | { readonly do: 'putBoundary'; readonly arn: string }
  | { readonly do: 'deleteBoundary' }
  | { readonly do: 'untag'; readonly keys: readonly string[] }
  | { readonly do: 'tag'; readonly tags: readonly Tag[] }
  | { readonly do: 'enable' };

/** Something that was asked for and is not done, with a sentence that says what to do. */
export interface Problem {
  readonly reason: 'InvalidAttribute' | 'InvalidTags' | 'TooManyTags' | 'TagConflict' | 'NameTaken';
  readonly message: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
  /** What to remember before the first step: the union of what was and what will be ours. */
  readonly before: Applied;
  /** What to remember when every step is done. */
  readonly after: Applied;
  /** Names of what differs, for the event and the status: `tags`, `path`, `boundary` … */
  readonly differences: readonly string[];
}

/** What the connection lays down for the accounts in it. */
export interface Rules {
  readonly schema: AccountSchema;
  readonly protectedTags: readonly string[];
  readonly disableWith: DisableWith;
}

export interface PlanInputs {
  readonly declared: Declared;
  readonly owner: Owner;
  /** The AWS account of the connection, twelve digits. */
  readonly awsAccount: string;
  readonly rules: Rules;
  readonly applied: Applied | undefined;
  readonly user: ObservedUser;
  /** A user of the account that has the declared name and is another one. */
  readonly nameTakenBy: ObservedUser | undefined;
  /** True where the credentials of a disabled user are to be looked at again. */
  readonly auditDue: boolean;
  readonly now: number;
}

/** The tags that a declaration asks for, before anything is known of the user. */
export interface DesiredTags {
  readonly tags: ReadonlyMap<string, string>;
  /** Hashes of the `bi-directional` values, as they are when all of `tags` is written. */
  readonly written: Readonly<Record<string, string>>;
  /** Which `bi-directional` attribute a tag key belongs to, for those that the spec has changed. */
  readonly changed: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/**
 * The tags to make a user with, or to hold a user to.
 * `app-to-idhub` and `no-sync` attributes are never written. A `bi-directional` one is written where
 * its value in the spec is another than the one that was last written; with no memory of that, what
 * the user has is the baseline, and only a user that we make (`current` absent) gets it.
 */
export function desiredTags(
  declared: Declared,
  owner: Owner,
  rules: Rules,
  applied: Applied | undefined,
  current: readonly Tag[] | undefined,
): DesiredTags {
  const tags = new Map<string, string>([[ownerTag, ownerValue(owner)]]);
  const problems: Problem[] = checkAttributes(rules.schema, declared.attributes).map((message) => ({
    reason: 'InvalidAttribute',
    message,
  }));
  const written: Record<string, string> = {};
  const changedKeys = new Map<string, string>();
  const now = new Map((current ?? []).map((tag) => [tag.key, tag.value]));
  const valid = problems.length === 0;
  for (const [name, value] of Object.entries(declared.attributes)) {
    const definition = rules.schema.get(name);
    if (definition === undefined || !isWritten(definition)) {
      continue;
    }
    let parts = encodeValue(value);
    if (definition.syncDirection === 'bi-directional') {
      const before = applied?.written[name];
      written[name] = hashOf(value);
      const changed = current === undefined || (applied !== undefined && before !== written[name]);
      if (!changed) {
        const present = decodeValue(definition.tagKey, now);
        parts = (present?.keys ?? []).map((key) => now.get(key) ?? '');
      } else {
        parts.forEach((_part, index) => changedKeys.set(partKey(definition.tagKey, index + 1), name));
      }
    }
    if (valid) {
      parts.forEach((part, index) => tags.set(partKey(definition.tagKey, index + 1), part));
    }
  }
  const taken = new Map([...tags.keys()].map((key) => [fold(key), key]));
  for (const definition of rules.schema.values()) {
    if (!isWritten(definition) || declared.attributes[definition.name] !== undefined) {
      taken.set(fold(definition.tagKey), definition.tagKey);
    }
  }
  for (const [key, value] of Object.entries(declared.tags)) {
    const other = taken.get(fold(key));
    if (other === undefined) {
      taken.set(fold(key), key);
      tags.set(key, value);
    } else {
      problems.push({
        reason: 'InvalidTags',
        message: `spec.tags has "${key}", which is also the tag of an attribute ("${other}"); keep one of the two`,
      });
    }
  }
  return { tags, written, changed: changedKeys, problems };
}

/** The tags that a user is made with: the desired ones, but for those that are protected. */
export function tagsOfNew(desired: DesiredTags, rules: Rules): ReadonlyMap<string, string> {
  const kept = new Set(rules.protectedTags.map(fold));
  return new Map([...desired.tags].filter(([key]) => !kept.has(fold(key))));
}

/** The fewest steps from what a user is to what is declared. Pure. */
export function planChanges(inputs: PlanInputs): Plan {
  const { declared, rules, applied, user } = inputs;
  const steps: Step[] = [];
  const problems: Problem[] = [];
  const differences: string[] = [];

  const memory = remembered(user.tags);
  const denied = user.deny === 'inline' || user.deny === 'managed';
  if (!declared.enabled) {
    const open =
      memory === undefined || isHalfEnabled(user.tags) || (rules.disableWith === 'DenyPolicy' && !denied);
    if (open || inputs.auditDue) {
      steps.push({ do: 'disable', audit: !open });
      if (open) {
        differences.push('enabled');
      }
    }
  }

  const name = planName(inputs);
  if (name.step !== undefined) {
    steps.push(name.step);
    differences.push('userName');
  }
  if (name.problem !== undefined) {
    problems.push(name.problem);
  }
  if (declared.path !== undefined && declared.path !== user.path) {
    steps.push({ do: 'move', path: declared.path });
    differences.push('path');
  }

  if (declared.boundary !== undefined && declared.boundary !== user.boundary) {
    steps.push({ do: 'putBoundary', arn: declared.boundary });
    differences.push('permissionsBoundary');
  } else if (
    declared.boundary === undefined &&
    user.boundary !== undefined &&
    applied?.boundary === user.boundary
  ) {
    steps.push({ do: 'deleteBoundary' });
    differences.push('permissionsBoundary');
  }

  const desired = desiredTags(declared, inputs.owner, rules, applied, user.tags);
  problems.push(...desired.problems);
  const stale = staleParts(user.tags, desired.tags, rules.schema);
  const past = (applied?.tags ?? []).filter((key) => !ledByOthers(key, rules.schema));
  const tagPlan = planTags({
    current: user.tags,
    desired: desired.tags,
    written: desired.problems.length > 0 ? [] : [...new Set([...past, ...stale])],
    protectedKeys: rules.protectedTags,
  });
  problems.push(...tagPlan.conflicts.map((message) => ({ reason: 'TagConflict' as const, message })));
  const tagsFit = tagPlan.total <= maxTags;
  if (!tagsFit) {
    problems.push({
      reason: 'TooManyTags',
      message:
        `the user would carry ${tagPlan.total} tags, and IAM allows ${maxTags}: ${desired.tags.size} of them from this ` +
        'object (the owner tag and the parts of long attributes included); remove some, here or in AWS',
    });
  } else {
    if (tagPlan.untag.length > 0) {
      steps.push({ do: 'untag', keys: tagPlan.untag });
    }
    if (tagPlan.tag.length > 0) {
      steps.push({ do: 'tag', tags: tagPlan.tag });
    }
    if (tagPlan.untag.length + tagPlan.tag.length > 0) {
      differences.push('tags');
    }
  }

  // `altered` is our Deny with other words in it: still ours to remove.
  if (declared.enabled && (memory !== undefined || user.deny === 'inline' || user.deny === 'altered')) {
    steps.push({ do: 'enable' });
    differences.push('enabled');
  }

  const refused = new Set(tagPlan.refused);
  // A tag that was there with this very value before we wrote any is somebody else's, and stays.
  const writes = new Set(tagPlan.tag.map((tag) => tag.key));
  const own = [...desired.tags.keys()]
    .filter((key) => key !== ownerTag && !refused.has(key) && (writes.has(key) || past.includes(key)))
    .sort();
  const boundary = boundaryOf(declared, applied, user);
  const since = applied?.since ?? inputs.now;
  const allWritten = tagsFit && desired.problems.length === 0;
  const nowOurs = allWritten ? own : past;
  const written = hashesOf(desired, allWritten ? refused : undefined, applied);
  return {
    steps,
    problems,
    differences,
    before: {
      account: inputs.awsAccount,
      userName: applied?.userName ?? declared.userName,
      tags: [...new Set([...past, ...nowOurs])].sort(),
      boundary: boundary ?? applied?.boundary ?? null,
      written: applied?.written ?? written,
      since,
    },
    after: {
      account: inputs.awsAccount,
      userName: name.problem === undefined ? declared.userName : (applied?.userName ?? user.userName),
      tags: nowOurs,
      boundary,
      written,
      since,
    },
  };
}

/** The boundary that is ours once the plan is done: what we write now, or wrote before. */
function boundaryOf(declared: Declared, applied: Applied | undefined, user: ObservedUser): string | null {
  const { boundary } = declared;
  return boundary !== undefined && (boundary !== user.boundary || applied?.boundary === boundary)
    ? boundary
    : null;
}

/** The memory of a user that is about to be made. */
export function memoryOfNew(
  declared: Declared,
  desired: DesiredTags,
  made: { readonly account: string; readonly since: number; readonly tags: ReadonlyMap<string, string> },
): Applied {
  return {
    account: made.account,
    userName: declared.userName,
    tags: [...made.tags.keys()].filter((key) => key !== ownerTag).sort(),
    boundary: declared.boundary ?? null,
    written: desired.written,
    since: made.since,
  };
}

export function sameApplied(one: Applied | undefined, other: Applied): boolean {
  return one !== undefined && JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
}

function canonical(applied: Applied): unknown {
  return [
    applied.account,
    applied.userName,
    [...applied.tags].sort(),
    applied.boundary,
    Object.entries(applied.written).sort(([a], [b]) => (a < b ? -1 : 1)),
    applied.since,
  ];
}

/**
 * A name that differs is ours to write only if the spec changed it. Where the spec still says what
 * was last written, somebody renamed the user in AWS: it is the same person, and is followed.
 */
function planName(inputs: PlanInputs): { step?: Step; problem?: Problem } {
  const { declared, applied, user, nameTakenBy } = inputs;
  const same = sameName(declared.userName, user.userName);
  const asked = applied !== undefined && !sameName(applied.userName, declared.userName);
  if (same || !asked) {
    return {};
  }
  if (nameTakenBy !== undefined) {
    return {
      problem: {
        reason: 'NameTaken',
        message:
          `"${user.userName}" cannot be renamed to "${declared.userName}": another IAM user has that name ` +
          `(${nameTakenBy.arn}); choose another spec.userName`,
      },
    };
  }
  return { step: { do: 'rename', to: declared.userName } };
}

/** The key of the first part, for the key of a further one. */
function headOf(key: string): string | undefined {
  return /^(.*)\.\d{1,2}$/s.exec(key)?.[1];
}

/** Continuations of encoded values that no longer have that many parts. */
function staleParts(
  current: readonly Tag[],
  desired: ReadonlyMap<string, string>,
  schema: AccountSchema,
): string[] {
  const heads = new Set([...schema.values()].map((definition) => definition.tagKey));
  return current
    .filter((tag) => {
      const head = headOf(tag.key);
      return (
        head !== undefined &&
        heads.has(head) &&
        desired.has(head) &&
        !desired.has(tag.key) &&
        isContinuation(tag.value)
      );
    })
    .map((tag) => tag.key);
}

/**
 * A change that was not written keeps the hash that it had, so that it is still a change later;
 * `refused` undefined: nothing was written.
 */
function hashesOf(
  desired: DesiredTags,
  refused: ReadonlySet<string> | undefined,
  applied: Applied | undefined,
): Readonly<Record<string, string>> {
  const pending = new Set(
    [...desired.changed].filter(([key]) => refused?.has(key) ?? true).map(([, name]) => name),
  );
  return Object.fromEntries(
    Object.entries(desired.written).flatMap(([name, hash]) => {
      const kept = pending.has(name) ? applied?.written[name] : hash;
      return kept === undefined ? [] : [[name, kept]];
    }),
  );
}

/** Tags of attributes that AWS leads for, or that nobody syncs: not ours any more, whoever wrote them. */
function ledByOthers(key: string, schema: AccountSchema): boolean {
  return [...schema.values()].some(
    (definition) =>
      !isWritten(definition) && (key === definition.tagKey || headOf(key) === definition.tagKey),
  );
}

/** The value of an attribute in AWS as it is reported, whoever leads for it. */
export function reportedAttributes(schema: AccountSchema, tags: readonly Tag[]): Record<string, string> {
  const current = new Map(tags.filter((tag) => !isDisabledTag(tag.key)).map((tag) => [tag.key, tag.value]));
  const reported: Record<string, string> = {};
  for (const definition of schema.values()) {
    if (definition.syncDirection === 'app-to-idhub' || definition.syncDirection === 'bi-directional') {
      const decoded = decodeValue(definition.tagKey, current);
      if (decoded !== undefined) {
        reported[definition.name] = decoded.value;
      }
    }
  }
  return reported;
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}
