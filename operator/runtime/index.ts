export { createClient, type ClientOptions } from './client.ts';
export { sleepWith, systemClock, type Clock } from './clock.ts';
export { formatTime, setCondition, type Condition } from './conditions.ts';
export type {
  Applied,
  BackoffOptions,
  Client,
  Controller,
  ControllerOptions,
  EnqueueOptions,
  EventNote,
  EventRecorder,
  Informer,
  InformerOptions,
  LeaderElectionOptions,
  ListOptions,
  Manager,
  ManagerOptions,
  ObjectList,
  RequestOptions,
  Watch,
  WatchEvent,
  WatchOptions,
} from './contracts.ts';
export {
  ApiError,
  NotLeadingError,
  TransportError,
  isAlreadyExists,
  isConflict,
  isGone,
  isNotFound,
} from './errors.ts';
export { createEventRecorder, type EventRecorderOptions, type QueueingEventRecorder } from './events.ts';
export {
  createLogger,
  createSecretValues,
  type LogFields,
  type LogLevel,
  type Logger,
  type LoggerOptions,
  type SecretValues,
} from './logger.ts';
export { createManager } from './manager.ts';
export {
  applyStatusIfChanged,
  ensureFinalizer,
  removeFinalizer,
  type ApplyStatusOptions,
  type FinalizerOptions,
} from './status.ts';
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
