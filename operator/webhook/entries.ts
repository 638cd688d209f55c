import { createHash } from 'node:crypto';
import type { ConnectionName } from '../../src/idhub/index.ts';

/** The key under which an operation of a connection is kept, and no other is: 64 hexadecimal digits. */
export function entryOf({ namespace, name }: ConnectionName, operationId: string): string {
  return createHash('sha256').update(`${namespace}/${name} ${operationId}`).digest('hex');
}
