import { validationError } from '../errors.ts';
import { lowerBound } from '../state/index.ts';

/** A sorted sequence to page over; `get` leaves out what a filter refuses. */
export interface Section<T> {
  readonly keys: readonly string[];
  readonly get: (key: string) => T | undefined;
}

export interface PageRequest {
  readonly Marker?: string | undefined;
  readonly MaxItems?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

/** IAM's default of MaxItems. */
const DEFAULT_ITEMS = 100;

interface Position {
  readonly section: number;
  /** The last key that was given; the next page begins after it, also when it is gone by then. */
  readonly key: string;
  /** How many pages were given before. */
  readonly pages: number;
}

/**
 * One page over `sections`, in order. With `shortPages` every first page of three is cut short and every second is
 * empty, though more is to come, and the end is a page of its own: all of this AWS may do (MaxItems, API reference).
 */
export function page<T>(
  sections: readonly Section<T>[],
  request: PageRequest,
  context: { readonly shortPages: boolean },
): Page<T> {
  const start = readMarker(request.Marker);
  const maximum = request.MaxItems ?? DEFAULT_ITEMS;
  const phase = context.shortPages ? start.pages % 3 : 2;
  const limit = phase === 1 ? 0 : phase === 0 ? shortened(maximum, sections) : maximum;
  const items: T[] = [];
  let last: Omit<Position, 'pages'> = start;
  for (let index = start.section; index < sections.length; index += 1) {
    const { keys, get } = sections[index] ?? { keys: [], get: () => undefined };
    const from = index === start.section && start.key !== '' ? after(keys, start.key) : 0;
    for (let at = from; at < keys.length; at += 1) {
      const key = keys[at] ?? '';
      const item = get(key);
      if (item === undefined) {
        continue;
      }
      if (items.length === limit) {
        return { items, IsTruncated: true, Marker: writeMarker({ ...last, pages: start.pages + 1 }) };
      }
      items.push(item);
      last = { section: index, key };
    }
  }
  return context.shortPages && phase === 0 && items.length > 0
    ? { items, IsTruncated: true, Marker: writeMarker({ ...last, pages: start.pages + 1 }) }
    : { items, IsTruncated: false };
}

/** A section over a list, in the order of `sortKey`, which must be unique in it. */
export function listed<T>(list: readonly T[], sortKey: (item: T) => string): Section<T> {
  const items = new Map(list.map((item) => [sortKey(item), item]));
  return { keys: [...items.keys()].sort(), get: (key) => items.get(key) };
}

/** Keys of things in the order in which they were made. */
export const byAge = (at: number, id: string): string => `${String(at).padStart(15, '0')}/${id}`;

function shortened(maximum: number, sections: readonly Section<unknown>[]): number {
  const all = sections.reduce((sum, { keys }) => sum + keys.length, 0);
  return Math.max(1, Math.min(Math.ceil(maximum / 3), Math.floor(all / 2)));
}

function after(keys: readonly string[], key: string): number {
  const index = lowerBound(keys, key);
  return keys[index] === key ? index + 1 : index;
}

function readMarker(marker: string | undefined): Position {
  if (marker === undefined) {
    return { section: 0, key: '', pages: 0 };
  }
  try {
    const parts: unknown = JSON.parse(Buffer.from(marker, 'base64url').toString());
    if (Array.isArray(parts)) {
      const [part, key, pages] = parts as unknown[];
      if (typeof part === 'number' && typeof key === 'string' && typeof pages === 'number') {
        return { section: part, key, pages };
      }
    }
  } catch {
    // Falls through: what cannot be read is refused below.
  }
  throw validationError('Invalid Marker.');
}

function writeMarker(at: Position): string {
  return Buffer.from(JSON.stringify([at.section, at.key, at.pages])).toString('base64url');
}
