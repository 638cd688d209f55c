import { limitExceeded, malformedPolicy, noSuchEntity } from '../errors.ts';
import { validateDocument } from '../policy/index.ts';
import type { InlinePolicy } from '../state/index.ts';

/** Sums of inline policies, white space not counted (IAM quotas page). */
export const INLINE_LIMITS = { user: 2_048, group: 5_120, role: 10_240 } as const;
/** A managed policy, white space not counted. */
export const MANAGED_LIMIT = 6_144;

export const sizeOf = (document: string): number => document.replaceAll(/\s/g, '').length;

export function checkDocument(document: string): string {
  const wrong = validateDocument(document);
  if (wrong !== undefined) {
    throw malformedPolicy(wrong);
  }
  return document;
}

/** The list after a put; names of inline policies are compared as written. */
export function withInline(
  present: readonly InlinePolicy[],
  name: string,
  document: string,
  owner: { readonly kind: keyof typeof INLINE_LIMITS; readonly name: string },
): readonly InlinePolicy[] {
  const result = [
    ...present.filter((policy) => policy.name !== name),
    { name, document: checkDocument(document) },
  ];
  const limit = INLINE_LIMITS[owner.kind];
  if (result.reduce((sum, policy) => sum + sizeOf(policy.document), 0) > limit) {
    throw limitExceeded(`Maximum policy size of ${limit} bytes exceeded for ${owner.kind} ${owner.name}`);
  }
  return result;
}

export function withoutInline(
  present: readonly InlinePolicy[],
  name: string,
  kind: string,
): readonly InlinePolicy[] {
  inlineNamed(present, name, kind);
  return present.filter((policy) => policy.name !== name);
}

export function inlineNamed(present: readonly InlinePolicy[], name: string, kind: string): InlinePolicy {
  const found = present.find((policy) => policy.name === name);
  if (found === undefined) {
    throw noSuchEntity(`The ${kind} policy with name ${name} cannot be found.`);
  }
  return found;
}
