import { createHash } from 'node:crypto';
import type { InlinePolicy } from '../account/index.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Elements of a statement whose several values are a set: one value may stand without its brackets. */
const sets: ReadonlySet<string> = new Set(['Action', 'NotAction', 'Resource', 'NotResource']);

/**
 * A policy document as IAM reads it: two documents that mean the same are equal after this. The order
 * of statements, of the values of an element and of keys means nothing, one value is a list of one,
 * and IAM ignores the case of actions (IAM user guide, grammar of the JSON policy language).
 * Undefined where the text is no JSON object.
 * @param text JSON, percent-encoded as IAM answers it or plain
 */
function canonicalDocument(text: string): string | undefined {
  try {
    const plain = text.trimStart().startsWith('%') ? decodeURIComponent(text) : text;
    const parsed = JSON.parse(plain) as Json;
    return isObject(parsed) ? JSON.stringify(canonicalPolicy(parsed)) : undefined;
  } catch {
    return undefined;
  }
}

/** A short name for what a document means; documents that are no JSON differ by their text. */
export function documentFingerprint(text: string): string {
  return createHash('sha256')
    .update(canonicalDocument(text) ?? text)
    .digest('hex')
    .slice(0, 32);
}

/** What a snapshot keeps of an inline policy. */
export function inlinePolicy(name: string, document: string): InlinePolicy {
  return { name, fingerprint: documentFingerprint(document), size: documentSize(document) };
}

/** Characters that count against the quota: white space does not (IAM quotas). */
export function documentSize(document: string): number {
  const text = document.trimStart().startsWith('%') ? decoded(document) : document;
  return text.replaceAll(/\s/g, '').length;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function canonicalPolicy(policy: { readonly [key: string]: Json }): Json {
  const statements = list(policy['Statement'] ?? []).map((statement) =>
    isObject(statement) ? canonicalStatement(statement) : statement,
  );
  return sortedKeys({ ...policy, Statement: sorted(statements) });
}

function canonicalStatement(statement: { readonly [key: string]: Json }): Json {
  return sortedKeys(
    Object.fromEntries(
      Object.entries(statement).map(([name, value]) => {
        if (sets.has(name)) {
          const values = list(value).map((each) =>
            typeof each === 'string' && name.endsWith('Action') ? each.toLowerCase() : each,
          );
          return [name, sorted(values)];
        }
        return name === 'Condition' && isObject(value) ? [name, canonicalCondition(value)] : [name, value];
      }),
    ),
  );
}

/** Operator → key → values; keys are compared without regard to case, values as text. */
function canonicalCondition(condition: { readonly [key: string]: Json }): Json {
  return sortedKeys(
    Object.fromEntries(
      Object.entries(condition).map(([operator, keys]) => [
        operator.toLowerCase(),
        isObject(keys)
          ? sortedKeys(
              Object.fromEntries(
                Object.entries(keys).map(([key, values]) => [
                  key.toLowerCase(),
                  sorted(list(values).map((value) => (typeof value === 'object' ? value : String(value)))),
                ]),
              ),
            )
          : keys,
      ]),
    ),
  );
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** As a set: in one order, each once. */
function sorted(values: readonly Json[]): Json {
  const texts = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...texts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
}

function sortedKeys(object: { readonly [key: string]: Json }): Json {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
