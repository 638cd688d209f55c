import { linesOf } from '../../../src/lines.ts';
/** What a report is asked for; absent: all of it. */
export interface ReportFilter {
  readonly resource?: string | undefined;
  readonly change?: string | undefined;
}

/** A report as it is kept. */
export interface Report {
  /** What is said of the whole, as JSON; `changes` is how many lines there are. */
  readonly header: Readonly<Record<string, unknown>>;
  /** Whole lines of NDJSON, a change each. Rejects where a part cannot be read. */
  readonly shards: AsyncIterable<Buffer>;
}

/**
 * The report as NDJSON: a line of what is said of the whole, a line for each change that was asked for, and a
 * last one, `{"end":true,"changes":n}`, without which it broke off. One shard is held at a time.
 * @throws {Error} where there are not as many changes as the header says: never a short list that looks whole
 */
export async function* reportLines(
  { header, shards }: Report,
  filter: ReportFilter,
): AsyncGenerator<Buffer, void, undefined> {
  yield line(header);
  let read = 0;
  let sent = 0;
  for await (const shard of shards) {
    const chosen: Buffer[] = [];
    for (const each of linesOf(shard)) {
      read += 1;
      if (isAsked(each, filter)) {
        sent += 1;
        chosen.push(each, lineEnd);
      }
    }
    if (chosen.length > 0) {
      yield Buffer.concat(chosen);
    }
  }
  const { changes } = header;
  if (typeof changes === 'number' && changes !== read) {
    throw new Error(`the report has ${read} changes and not ${changes}`);
  }
  yield line({ end: true, changes: sent });
}

const lineEnd = Buffer.from('\n');

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function isAsked(text: Buffer, { resource, change }: ReportFilter): boolean {
  if (resource === undefined && change === undefined) {
    return true;
  }
  const entry = JSON.parse(text.toString('utf8')) as { readonly resource?: string; readonly change?: string };
  return (
    (resource === undefined || entry.resource === resource) &&
    (change === undefined || entry.change === change)
  );
}
