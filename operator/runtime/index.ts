export { createClient } from './client.ts';
export { sleepWith, systemClock, type Clock } from './clock.ts';
export { formatTime, setCondition, type Condition } from './conditions.ts';
export type {
  Client,
  Controller,
  ControllerOptions,
  EventNote,
  EventRecorder,
  Informer,
  LeaseHolder,
  Manager,
  ManagerOptions,
  Watch,
  WatchEvent,
} from './contracts.ts';
export {
  ApiError,
  NotLeadingError,
  TransportError,
  isAlreadyExists,
  isConflict,
  isGone,
  isNamespaceTerminating,
  isNotFound,
} from './errors.ts';
export { createEventRecorder } from './events.ts';
export { createLogger, createSecretValues, type LogLevel, type Logger } from './logger.ts';
export { createManager } from './manager.ts';
export { runtimeMetrics } from './metrics.ts';
export type { OpenApiDocument, OpenApiSchema } from './openapi.ts';
export { applyStatusIfChanged, ensureFinalizer, removeFinalizer } from './status.ts';
export {
  after,
  apiVersionOf,
  compareResourceVersions,
  done,
  keyOf,
  keyString,
  parseKey,
  type KubeObject,
  type ObjectKey,
  type ObjectMeta,
  type OwnerReference,
  type Reconciler,
  type ResourceType,
  type Result,
} from './types.ts';
export { highPriority, lowPriority } from './workqueue.ts';
export { isNamespaceName, isObjectName } from './names.ts';
