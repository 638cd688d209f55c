import { awsEntitlementBindingType, type AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import {
  applyStatusIfChanged,
  keyOf,
  removeFinalizer,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
} from '../../runtime/index.ts';
import { annotations, fieldManager, finalizer } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { memoryOf, writeMemory, type EdgeMemory } from './memory.ts';
import { bindingStatus, type Findings } from './status.ts';

export interface BindingRecordOptions {
  readonly client: Client;
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Everything that is written to the cluster about a binding: its memory, its status, its events. */
export class BindingRecord {
  readonly #options: BindingRecordOptions;

  constructor(options: BindingRecordOptions) {
    this.#options = options;
  }

  /** Writes the status if it says anything new, and an event where the binding stops being Ready. */
  async report(binding: AwsEntitlementBinding, findings: Findings, signal: AbortSignal): Promise<void> {
    const { bindings, client, clock, events } = this.#options;
    const current = bindings.get(keyOf(binding)) ?? binding;
    if (current.metadata.uid !== binding.metadata.uid) {
      return;
    }
    const before = current.status?.conditions?.find((condition) => condition.type === 'Ready');
    const { ready } = findings;
    if (ready.status === 'False' && ready.reason !== before?.reason) {
      events.event(current, {
        type: 'Warning',
        reason: ready.reason,
        message: ready.message,
        action: 'Reconcile',
      });
    }
    await applyStatusIfChanged({
      client,
      type: awsEntitlementBindingType,
      current,
      // The generation that was worked on, which may be older than the one in the cache by now.
      status: bindingStatus({ ...current, metadata: binding.metadata }, findings, clock.now()),
      fieldManager,
      informer: bindings,
      signal,
    });
  }

  /** Says that AWS was not asked, and why. */
  async waiting(
    binding: AwsEntitlementBinding,
    verdict: Verdict,
    status: Findings['ready']['status'],
    signal: AbortSignal,
  ): Promise<void> {
    const ready = { ...verdict, status };
    await this.report(
      binding,
      { ready, seen: undefined, memory: memoryOf(binding), mended: undefined },
      signal,
    );
  }

  /** One patch of the object: the finalizer and what is to be remembered, together. */
  async remember(
    binding: AwsEntitlementBinding,
    memory: EdgeMemory,
    signal: AbortSignal,
  ): Promise<AwsEntitlementBinding> {
    const { bindings, client } = this.#options;
    const { uid, resourceVersion, finalizers = [] } = binding.metadata;
    const written = await client.mergePatch(
      awsEntitlementBindingType,
      keyOf(binding),
      {
        metadata: {
          uid,
          resourceVersion,
          ...(finalizers.includes(finalizer) ? {} : { finalizers: [...finalizers, finalizer] }),
          annotations: { [annotations.edge]: writeMemory(memory) },
        },
      },
      { signal },
    );
    bindings.set(written);
    return written;
  }

  /** Lets the object go. */
  async drop(binding: AwsEntitlementBinding, signal: AbortSignal): Promise<void> {
    const { client, bindings } = this.#options;
    // The status may have been written in this pass, which made `binding` an old version.
    const latest = bindings.get(keyOf(binding));
    const current = latest !== undefined && latest.metadata.uid === binding.metadata.uid ? latest : binding;
    await removeFinalizer({
      client,
      type: awsEntitlementBindingType,
      current,
      finalizer,
      informer: bindings,
      signal,
    });
  }

  /** Tells people, in an event and in the log, what was done to an edge. */
  note(
    binding: AwsEntitlementBinding,
    note: { readonly reason: string; readonly action: string; readonly message: string },
  ): void {
    const { reason, action, message } = note;
    this.#options.events.event(binding, { type: 'Normal', reason, message, action });
    this.#options.logger.info(message, { binding: keyOf(binding), reason });
  }
}
