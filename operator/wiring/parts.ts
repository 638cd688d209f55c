import type { ConnectionRegistry } from '../controllers/connection/index.ts';
import type { PushMetrics, PushOutbox, PushStates } from '../controllers/push/index.ts';
import type { RunEngine } from '../controllers/reconciliation/index.ts';
import type { Config } from '../config.ts';
import type { LateDirectories } from '../directory/index.ts';
import type { Informers } from '../informers.ts';
import type { Metrics } from '../metrics.ts';
import type { createRunMetrics } from '../run-metrics.ts';
import type { Client, Clock, EventRecorder, Logger, Manager, ObjectKey } from '../runtime/index.ts';

/** What controllers are made from. */
export interface Parts extends Informers {
  readonly config: Config;
  /** Which installation this is. */
  readonly installation: string;
  readonly manager: Manager;
  /** One that writes only while this process leads. */
  readonly client: Client;
  readonly registry: ConnectionRegistry;
  /** What clients of the HTTP port see and ask for: given here when it can be. */
  readonly directories: LateDirectories;
  readonly engine: RunEngine;
  /** Undefined: nobody is told of changes. */
  readonly outbox: PushOutbox | undefined;
  readonly pushStates: PushStates;
  readonly pushMetrics: PushMetrics;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly runMetrics: ReturnType<typeof createRunMetrics>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string) => void;
  /** Whether objects of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
}
