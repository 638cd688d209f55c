export { systemClock, type Clock } from './clock.ts';
export { formatTime, setCondition, type Condition } from './conditions.ts';
export type {
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
export type { LogFields, LogLevel, Logger, LoggerOptions } from './logger.ts';
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
