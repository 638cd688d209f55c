import { createHash } from 'node:crypto';
import { fold, maxTagValue, sameName, type Tag } from '../schema/index.ts';

/** Tags of this prefix are the product's own memory; nobody may declare one. */
export const reservedTagPrefix = 'aws.idhub.io/';
export function isReservedTag(key: string): boolean {
  return fold(key).startsWith(reservedTagPrefix);
}

export const ownerTag = `${reservedTagPrefix}owner`;

/** The object that a user belongs to: of which installation, in which namespace, of which name. */
export interface Owner {
  readonly installation: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The value of the owner tag. Object names have up to 253 characters, so that the whole can be too
 * long for a tag; then the end is replaced by a hash of all of it.
 */
export function ownerValue(owner: Owner): string {
  const whole = `${owner.installation}/${owner.namespace}/${owner.name}`;
  if (whole.length <= maxTagValue) {
    return whole;
  }
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 32);
  return `${whole.slice(0, maxTagValue - hash.length - 1)}@${hash}`;
}

/** Whose a user is, by its owner tag. */
export type Ownership =
  | { readonly kind: 'ours' }
  | { readonly kind: 'none' }
  | { readonly kind: 'otherObject'; readonly value: string }
  | { readonly kind: 'otherInstallation'; readonly value: string };

export function ownership(tags: readonly Tag[], owner: Owner): Ownership {
  const value = tagValue(tags, ownerTag);
  if (value === undefined || value === '') {
    return { kind: 'none' };
  }
  if (value === ownerValue(owner)) {
    return { kind: 'ours' };
  }
  return value.startsWith(`${owner.installation}/`)
    ? { kind: 'otherObject', value }
    : { kind: 'otherInstallation', value };
}

/** The value of a tag, its key compared as IAM does. */
export function tagValue(tags: readonly Tag[], key: string): string | undefined {
  return tags.find((tag) => sameName(tag.key, key))?.value;
}
