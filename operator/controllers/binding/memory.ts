import {
  isOfNamed,
  lastName,
  type Entitlement,
  type EntitlementType,
} from '../../../src/entitlement/index.ts';
import type { AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { annotations } from '../names.ts';

export type Origin = 'Created' | 'PreExisting';

/** Which edge a binding holds. Kept on the object, so that it outlives status, process and account object. */
export interface EdgeMemory {
  /** `namespace/name` of the connection through which it was made. */
  readonly connection: string;
  /** The AWS account, twelve digits. */
  readonly account: string;
  /** The unique id of the user. */
  readonly userId: string;
  readonly userName: string;
  readonly type: EntitlementType;
  /** Its ARN; its name where it has none. */
  readonly entitlement: string;
  /** Where the edge came from; null where none is held. */
  readonly origin: Origin | null;
  /** Since when, milliseconds since the epoch. */
  readonly since: number;
  /** The `expiresAt` that was obeyed. */
  readonly revoked: string | null;
}

/**
 * Undefined where there is none, or where somebody spoilt it: then the present is the baseline. A note on
 * anything else than what the spec names, which cannot be changed, is not ours: it takes nothing away.
 */
export function memoryOf(binding: AwsEntitlementBinding): EdgeMemory | undefined {
  try {
    const text = binding.metadata.annotations?.[annotations.edge];
    const parsed = JSON.parse(text ?? 'null') as Partial<EdgeMemory> | null;
    return parsed !== null &&
      isMemory(parsed) &&
      isOfNamed(binding.spec.entitlement, { ...parsed, accountId: parsed.account })
      ? parsed
      : undefined;
  } catch {
    return undefined;
  }
}

function isMemory(parsed: Partial<EdgeMemory>): parsed is EdgeMemory {
  const { connection, account, userId, userName, entitlement, origin, since, revoked } = parsed;
  return (
    [connection, account, userId, userName, entitlement].every(
      (text) => typeof text === 'string' && text !== '',
    ) &&
    (origin === 'Created' || origin === 'PreExisting' || origin === null) &&
    typeof since === 'number' &&
    (typeof revoked === 'string' || revoked === null)
  );
}

export function writeMemory(memory: EdgeMemory): string {
  return JSON.stringify(memory);
}

export function sameMemory(one: EdgeMemory | undefined, other: EdgeMemory): boolean {
  return one !== undefined && writeMemory(one) === writeMemory(other);
}

/** The group or policy of a remembered edge. */
export function rememberedEntitlement({ type, entitlement }: EdgeMemory): Entitlement {
  return { type, name: lastName(type, entitlement), arn: entitlement };
}
