import { fold, maxTagValue, partKey, type Tag } from '../schema/index.ts';
import { reservedTagPrefix } from './ownership.ts';

/** A credential that can be switched off and on again, or what else a disable did. */
export type SwitchedOff =
  | { readonly kind: 'console' }
  | { readonly kind: 'accessKey'; readonly id: string }
  | { readonly kind: 'sshKey'; readonly id: string }
  | { readonly kind: 'certificate'; readonly id: string }
  | { readonly kind: 'serviceCredential'; readonly id: string }
  /** `AWSDenyAll` was attached by us, since the inline quota was full. */
  | { readonly kind: 'managedDeny' };

/**
 * What a disable switched off is remembered on the user itself, in a tag that outlives the cluster:
 * `aws.idhub.io/disabled` = `v1 console key/AKIA… ssh/APKA…`, continued in `….2` where 256
 * characters are not enough. Its presence says that the user was disabled by us.
 */
export const disabledTag = `${reservedTagPrefix}disabled`;

const prefixes = {
  accessKey: 'key/',
  sshKey: 'ssh/',
  certificate: 'cert/',
  serviceCredential: 'service/',
} as const;

export function isDisabledTag(key: string): boolean {
  const folded = fold(key);
  return folded === disabledTag || folded.startsWith(`${disabledTag}.`);
}

/** Stands first in the memory while an enable is under way: what it lists may be Active again. */
const enabling = 'enabling';
/** Stands first in the memory of a disable that could not read all lists: what it does not list may be Active. */
const partial = 'partial';

/** The tags that remember these; at least one, also when there was nothing to switch off. */
export function rememberTags(items: readonly SwitchedOff[], underWay?: 'enabling' | 'partial'): Tag[] {
  const values = ['v1'];
  for (const word of [...(underWay === undefined ? [] : [underWay]), ...items.map(write)]) {
    const last = values.at(-1) ?? '';
    if (last.length + 1 + word.length > maxTagValue) {
      values.push(`v1 ${word}`);
    } else {
      values[values.length - 1] = `${last} ${word}`;
    }
  }
  return values.map((value, index) => ({ key: partKey(disabledTag, index + 1), value }));
}

/** What the user's tags remember; undefined where it was not disabled by us. */
export function remembered(tags: readonly Tag[]): readonly SwitchedOff[] | undefined {
  const own = tags.filter((tag) => isDisabledTag(tag.key));
  if (own.length === 0) {
    return undefined;
  }
  return own.flatMap((tag) => tag.value.split(' ').flatMap((word) => read(word) ?? []));
}

/** Whether an enable or a disable was begun and not finished: the user is neither disabled nor enabled. */
export function isHalfEnabled(tags: readonly Tag[]): boolean {
  return isEnabling(tags) || says(tags, partial);
}

export function isEnabling(tags: readonly Tag[]): boolean {
  return says(tags, enabling);
}

function says(tags: readonly Tag[], word: string): boolean {
  return tags.some((tag) => isDisabledTag(tag.key) && tag.value.split(' ').includes(word));
}

export function sameItem(one: SwitchedOff, other: SwitchedOff): boolean {
  return write(one) === write(other);
}

/** An item in words, for events and status: `access key AKIA…`. */
export function describe(item: SwitchedOff): string {
  switch (item.kind) {
    case 'console':
      return 'console password';
    case 'managedDeny':
      return 'policy AWSDenyAll';
    case 'accessKey':
      return `access key ${item.id}`;
    case 'sshKey':
      return `SSH public key ${item.id}`;
    case 'certificate':
      return `signing certificate ${item.id}`;
    case 'serviceCredential':
      return `service-specific credential ${item.id}`;
  }
}

function write(item: SwitchedOff): string {
  switch (item.kind) {
    case 'console':
      return 'console';
    case 'managedDeny':
      return 'deny-all';
    case 'accessKey':
    case 'sshKey':
    case 'certificate':
    case 'serviceCredential':
      return `${prefixes[item.kind]}${item.id}`;
  }
}

function read(word: string): SwitchedOff | undefined {
  if (word === 'console') {
    return { kind: 'console' };
  }
  if (word === 'deny-all') {
    return { kind: 'managedDeny' };
  }
  for (const kind of ['accessKey', 'sshKey', 'certificate', 'serviceCredential'] as const) {
    if (word.startsWith(prefixes[kind])) {
      return { kind, id: word.slice(prefixes[kind].length) };
    }
  }
  return undefined;
}
