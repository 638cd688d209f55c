import type { OpenApiSchema } from '../runtime/index.ts';

const limits = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minimum',
  'maximum',
] as const;

/** What a schema says of one field, as far as two schemas can be compared by it. */
export interface Field extends Pick<
  OpenApiSchema,
  'type' | 'format' | 'enum' | 'required' | 'nullable' | (typeof limits)[number]
> {
  /** What stands in it beside its known fields is kept. */
  readonly open?: boolean;
  /** How server-side apply merges a list: `map` with its keys, `set`, `atomic`. */
  readonly list?: string;
}

/** By path: `spec.userName`, `spec.entitlements[].arn`, `spec.tags.*`. A field comes before what is in it. */
export type Fields = Readonly<Record<string, Field>>;

/**
 * The fields of `spec` and `status`. What cannot be compared is left out: CEL rules, patterns, texts. Pure.
 * @param schema of the kind, as its CustomResourceDefinition or the API server's OpenAPI document has it
 */
export function fieldsOf(schema: OpenApiSchema): Fields {
  const found: Record<string, Field> = {};
  const add = (path: string, node: OpenApiSchema): void => {
    found[path] = fieldOf(node);
    for (const [name, each] of Object.entries(node.properties ?? {})) {
      add(`${path}.${name}`, each);
    }
    if (node.items !== undefined) {
      add(`${path}[]`, node.items);
    }
    if (typeof node.additionalProperties === 'object') {
      add(`${path}.*`, node.additionalProperties);
    }
  };
  for (const part of ['spec', 'status']) {
    const node = schema.properties?.[part];
    if (node !== undefined) {
      add(part, node);
    }
  }
  return found;
}

function fieldOf(node: OpenApiSchema): Field {
  const list = node['x-kubernetes-list-type'];
  const keys = node['x-kubernetes-list-map-keys'] ?? [];
  const open = node['x-kubernetes-preserve-unknown-fields'] === true || node.additionalProperties === true;
  return {
    ...(node['x-kubernetes-int-or-string'] === true
      ? { type: 'integer or string' }
      : node.type !== undefined && { type: node.type }),
    ...(node.format !== undefined && { format: node.format }),
    ...(node.enum !== undefined && { enum: node.enum }),
    ...(node.required !== undefined && node.required.length > 0 && { required: node.required }),
    ...Object.fromEntries(
      limits.flatMap((limit) => (node[limit] === undefined ? [] : [[limit, node[limit]]])),
    ),
    ...(node.nullable === true && { nullable: true }),
    ...(open && { open: true }),
    ...(list !== undefined && { list: [list, ...keys].join(' ') }),
  };
}
