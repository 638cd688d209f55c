import type { Declared, Memory, ObservedUser, Owner, Rules } from '../../../src/account/index.ts';
import { accountSchema, type AttributeChange } from '../../../src/schema/index.ts';

export const owner: Owner = { installation: 'inst', namespace: 'ns', name: 'jo' };
export const ownerOfOther = 'inst/ns/other';
export const awsAccount = '111122223333';
export const now = Date.UTC(2026, 0, 1);
export const boundary = 'arn:aws:iam::111122223333:policy/Boundary';

export function declare(more: Partial<Declared> = {}): Declared {
  return {
    userName: 'jo',
    path: undefined,
    attributes: {},
    tags: {},
    enabled: true,
    boundary: undefined,
    adoptionPolicy: 'Never',
    onExternalDelete: 'Hold',
    confirmedId: undefined,
    ...more,
  };
}

export function observed(more: Partial<ObservedUser> = {}): ObservedUser {
  return {
    userName: 'jo',
    userId: 'AIDAJO',
    arn: 'arn:aws:iam::111122223333:user/jo',
    path: '/',
    createdAt: 0,
    tags: [],
    boundary: undefined,
    deny: 'absent',
    groups: [],
    attachedPolicies: [],
    inlinePolicies: [],
    passwordLastUsed: undefined,
    ...more,
  };
}

export function rulesWith(changes: readonly AttributeChange[] = [], more: Partial<Rules> = {}): Rules {
  return { schema: accountSchema(changes, '').schema, protectedTags: [], disableWith: 'DenyPolicy', ...more };
}

export const nothingKnown: Memory = { userId: undefined, applied: undefined };
