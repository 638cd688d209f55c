import {
  desiredTags,
  ownerTag,
  ownerValue,
  planChanges,
  type Applied,
  type Declared,
  type ObservedUser,
  type Plan,
  type Rules,
} from '../../../src/account/index.ts';
import { encodeValue, partKey, type SyncDirection, type Tag } from '../../../src/schema/index.ts';
import { awsAccount, declare, now, observed, owner, rulesWith } from './material.ts';

export const mark: Tag = { key: ownerTag, value: ownerValue(owner) };
export const tagsOf = (tags: Readonly<Record<string, string>>): Tag[] => [
  mark,
  ...Object.entries(tags).map(([key, value]) => ({ key, value })),
];
export const long = "O'".repeat(200);
export const longParts = encodeValue(long);
export const partsAs = (key: string, parts: readonly string[]): Record<string, string> =>
  Object.fromEntries(parts.map((part, index) => [partKey(key, index + 1), part]));

export function remembering(more: Partial<Applied> = {}): Applied {
  return { account: awsAccount, userName: 'jo', tags: [], boundary: null, written: {}, since: 5, ...more };
}

export interface Given {
  readonly declared?: Partial<Declared>;
  readonly user?: Partial<ObservedUser>;
  readonly applied?: Partial<Applied> | undefined;
  readonly rules?: Rules;
  readonly nameTakenBy?: ObservedUser;
  readonly auditDue?: boolean;
}

export function plan(given: Given): Plan {
  return planChanges({
    declared: declare(given.declared),
    owner,
    awsAccount,
    rules: given.rules ?? rulesWith(),
    applied: given.applied === undefined ? undefined : remembering(given.applied),
    user: observed({ tags: [mark], ...given.user }),
    nameTakenBy: given.nameTakenBy,
    auditDue: given.auditDue ?? false,
    now,
  });
}

export function cityIs(syncDirection: SyncDirection): Rules {
  return rulesWith([{ name: 'city', syncDirection }]);
}

export function writtenAs(value: string): Readonly<Record<string, string>> {
  return desiredTags(
    declare({ attributes: { city: value } }),
    owner,
    cityIs('bi-directional'),
    undefined,
    undefined,
  ).written;
}
