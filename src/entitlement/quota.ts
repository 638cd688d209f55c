import type { Edges } from '../account/index.ts';
import type { UserQuotas } from '../connection/index.ts';
import { documentSize } from './document.ts';
import { nameInArn, type Reference } from './reference.ts';

/** A quota that one more edge would break, with what fills it; undefined where there is room. Pure. */
export function fullQuota(
  edges: Edges,
  reference: Pick<Reference, 'type' | 'name'>,
  document: string | undefined,
  quotas: UserQuotas,
): string | undefined {
  switch (reference.type) {
    case 'Group':
      return edges.groups.length < quotas.groups
        ? undefined
        : `a user can be in ${quotas.groups} groups, and this one is in ${[...edges.groups].sort().join(', ')}`;
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy': {
      const names = edges.attachedPolicies.map(({ arn }) => nameInArn(arn)).sort();
      return names.length < quotas.attachedPolicies
        ? undefined
        : `a user can have ${quotas.attachedPolicies} managed policies attached, and this one has ${names.join(', ')}`;
    }
    case 'InlinePolicy': {
      const others = edges.inlinePolicies.filter(({ name }) => name !== reference.name);
      const used = others.reduce((sum, { size }) => sum + size, 0);
      const size = documentSize(document ?? '');
      const held = others.map((one) => `${one.name} (${one.size})`).sort();
      return used + size <= quotas.inlineSize
        ? undefined
        : `the inline policies of a user can have ${quotas.inlineSize} characters together; this one has ${size}` +
            (held.length > 0 ? `, beside ${held.join(', ')}` : '');
    }
  }
}
