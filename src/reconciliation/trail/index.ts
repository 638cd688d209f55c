export { TrailReader, type TrailReaderOptions } from './incremental.ts';
export { cursorAfterWhole, windowStart } from './window.ts';
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
  WholeRead,
  WholeReading,
} from './model.ts';
