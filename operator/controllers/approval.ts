import {
  type Client,
  type KubeObject,
  type ObjectKey,
  type ObjectMeta,
  type ResourceType,
} from '../runtime/index.ts';
import { annotations } from './names.ts';

/** Who approves deletions, as the object's annotation says; an empty one and `false` approve nothing. */
export function approverOf({ annotations: noted }: Pick<ObjectMeta, 'annotations'>): string | undefined {
  const value = noted?.[annotations.approveDeletions]?.trim() ?? '';
  return value === '' || value.toLowerCase() === 'false' ? undefined : value;
}

/** Who wrote the approval, as the API server has it: ` (written by kubectl-annotate)`, or nothing. For people. */
export async function writerOf<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { metadata } = await client.get(type, key, { signal });
    const manager = managerOf(metadata.managedFields);
    return manager === undefined ? '' : ` (written by ${manager})`;
  } catch {
    signal.throwIfAborted();
    return '';
  }
}

function managerOf(fields: readonly unknown[] = []): string | undefined {
  const entries = fields as readonly {
    readonly manager?: string;
    readonly fieldsV1?: { readonly 'f:metadata'?: { readonly 'f:annotations'?: object } };
  }[];
  const entry = entries.find(
    ({ fieldsV1 }) =>
      fieldsV1?.['f:metadata']?.['f:annotations'] !== undefined &&
      `f:${annotations.approveDeletions}` in fieldsV1['f:metadata']['f:annotations'],
  );
  return entry?.manager;
}
