import type { AwsEntitlementBinding } from '../../../../operator/api/v1alpha1/index.ts';
import { bindingOwners } from '../../../../operator/controllers/account/index.ts';
import { ApiError, type Client, type Informer, type ObjectKey } from '../../../../operator/runtime/index.ts';

type Ready = 'True' | 'False' | 'Unknown';

/** Bindings of a cluster, with what an API server makes of writes to them. */
export class FakeBindings {
  readonly bindings = new Map<string, AwsEntitlementBinding>();
  /** The cache does not show these yet. */
  readonly unseen = new Set<string>();
  readonly #written: (what: string) => void;
  #version = 0;

  constructor(written: (what: string) => void) {
    this.#written = written;
  }

  put(name: string, spec: AwsEntitlementBinding['spec'], metadata: object = {}): void {
    this.#version += 1;
    this.bindings.set(name, {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: {
        name,
        namespace: 'ns',
        uid: `b-${this.#version}`,
        resourceVersion: String(this.#version),
        generation: 1,
        ...metadata,
      },
      spec,
    });
  }

  object(name: string): AwsEntitlementBinding {
    const binding = this.bindings.get(name);
    if (binding === undefined) {
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${name} not found` });
    }
    return binding;
  }

  /** By what they stand for: `Group/Dev`. */
  of(entitlement: string): AwsEntitlementBinding {
    const found = [...this.bindings.values()].find(({ spec }) => told(spec) === entitlement);
    if (found === undefined) {
      throw new Error(`no binding of ${entitlement}`);
    }
    return found;
  }

  /** What they stand for, sorted; those on their way out with a cross. */
  all(): string[] {
    return [...this.bindings.values()]
      .map(({ spec, metadata }) => `${told(spec)}${metadata.deletionTimestamp === undefined ? '' : ' †'}`)
      .sort();
  }

  /** What the controller of bindings says of them; of all unless told. */
  say(status: Ready, reason: string, entitlement?: string): void {
    for (const [name, binding] of this.bindings) {
      if (entitlement === undefined || told(binding.spec) === entitlement) {
        const observedGeneration = binding.metadata.generation ?? 0;
        const lastTransitionTime = '2026-01-15T00:00:00Z';
        const ready = { type: 'Ready', status, reason, message: `${reason} it is`, observedGeneration };
        this.#put(name, { ...binding, status: { conditions: [{ ...ready, lastTransitionTime }] } });
      }
    }
  }

  /** They have a finalizer from now on: a deletion takes until it is gone. */
  finalizers(finalizers: string[]): void {
    for (const [name, binding] of this.bindings) {
      this.#put(name, { ...binding, metadata: { ...binding.metadata, finalizers } });
    }
  }

  change(entitlement: string, change: object, metadata: object = {}): void {
    const { metadata: before, spec, ...rest } = this.of(entitlement);
    const generation = (before.generation ?? 0) + 1;
    const changed = {
      ...rest,
      spec: { ...spec, ...change },
      metadata: { ...before, generation, ...metadata },
    };
    this.#put(before.name, changed);
  }

  get client(): Pick<Client, 'get' | 'create' | 'mergePatch' | 'delete'> {
    const known = {
      get: async (_type: unknown, { name }: ObjectKey) => this.object(name),
      create: async (_type: unknown, object: AwsEntitlementBinding) => {
        const { name } = object.metadata;
        if (this.bindings.has(name)) {
          throw new ApiError({ code: 409, reason: 'AlreadyExists', message: `${name} exists` });
        }
        this.put(name, object.spec, object.metadata);
        this.#written(`create ${told(object.spec)}`);
        return this.object(name);
      },
      mergePatch: async (_type: unknown, { name }: ObjectKey, patch: Partial<AwsEntitlementBinding>) => {
        const before = this.object(name);
        const { uid, resourceVersion } = patch.metadata ?? {};
        if (resourceVersion !== before.metadata.resourceVersion || uid !== before.metadata.uid) {
          throw new ApiError({ code: 409, reason: 'Conflict', message: `${name} has changed` });
        }
        const after = merge(before, patch) as AwsEntitlementBinding;
        const changed = JSON.stringify(after.spec) !== JSON.stringify(before.spec);
        const generation = (before.metadata.generation ?? 0) + (changed ? 1 : 0);
        const written = this.#put(name, { ...after, metadata: { ...after.metadata, generation } });
        this.#written(`patch ${told(before.spec)}`);
        return written;
      },
      delete: async (
        _type: unknown,
        { name }: ObjectKey,
        { preconditions }: { preconditions?: { uid: string } },
      ) => {
        const binding = this.object(name);
        if (preconditions?.uid !== binding.metadata.uid) {
          throw new ApiError({ code: 409, reason: 'Conflict', message: `${name} is another` });
        }
        if ((binding.metadata.finalizers ?? []).length === 0) {
          this.bindings.delete(name);
        } else {
          const deletionTimestamp = '2026-01-15T00:00:00Z';
          this.#put(name, { ...binding, metadata: { ...binding.metadata, deletionTimestamp } });
        }
        this.#written(`delete ${told(binding.spec)}`);
      },
    };
    return known as unknown as Client;
  }

  get informer(): Informer<AwsEntitlementBinding> {
    const seen = (): AwsEntitlementBinding[] =>
      [...this.bindings.values()].filter(({ metadata }) => !this.unseen.has(metadata.name));
    const known: Partial<Informer<AwsEntitlementBinding>> = {
      get: ({ name }) => seen().find(({ metadata }) => metadata.name === name),
      list: seen,
      byIndex: (index, value) => {
        if (index !== 'owner') {
          throw new RangeError(`no index ${index}`);
        }
        return seen().filter((binding) => bindingOwners(binding).includes(value));
      },
      set: ({ metadata }) => void this.unseen.delete(metadata.name),
    };
    return known as Informer<AwsEntitlementBinding>;
  }

  #put(name: string, binding: AwsEntitlementBinding): AwsEntitlementBinding {
    this.#version += 1;
    const put = { ...binding, metadata: { ...binding.metadata, resourceVersion: String(this.#version) } };
    this.bindings.set(name, put);
    return put;
  }
}

function told({ entitlement }: AwsEntitlementBinding['spec']): string {
  return `${entitlement.type}/${entitlement.name ?? entitlement.arn ?? ''}`;
}

/** RFC 7386. */
function merge(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const merged: Record<string, unknown> =
    typeof before === 'object' && before !== null && !Array.isArray(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[key];
    } else {
      merged[key] = merge(merged[key], value);
    }
  }
  return merged;
}
