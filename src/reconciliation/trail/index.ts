export { TrailReader, type TrailReaderOptions } from './incremental.ts';
export type {
  Fallback,
  FallbackReason,
  IncrementalReader,
  IncrementalRequest,
  KnownUser,
  KnownUsers,
  LiveReading,
  LiveUser,
  PartialReading,
  TrailCount,
  TrailCursor,
  UnknownUser,
  WholeReading,
} from './model.ts';
