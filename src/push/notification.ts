import { linesOf } from '../lines.ts';
import type { Message } from './signature.ts';

/** Of what the changes are, as every notification says. */
export interface NotificationSource {
  /** `namespace/name` of the AwsConnection. */
  readonly connection: string;
  /** `namespace/name` of the run. */
  readonly run: string;
  /** Unique to the run. */
  readonly runId: string;
  /** Twelve digits. */
  readonly account: string;
  readonly mode: string;
  /** The SCIM filter that the run was limited to; `null` where it was not. */
  readonly filter: string | null;
  /** When the reading of AWS began, RFC 3339. */
  readonly startedAt: string;
}

/** Some changes of one run that follow each other. */
export interface Batch {
  /** Index in the run of the first of them. */
  readonly first: number;
  /** JSON objects, as the report has them. */
  readonly changes: readonly string[];
}

export interface BatchLimits {
  /** Changes of one notification. */
  readonly changes: number;
  /** Bytes of their JSON together; one that is longer goes alone. */
  readonly bytes: number;
}

/** Below the 100 kB that many servers take of a body unless told otherwise. */
export const defaultBatchLimits: BatchLimits = { changes: 100, bytes: 64_000 };

/**
 * Groups the changes of a report from one of them on. The same lines from the same index on are always grouped
 * alike, so that a try that is repeated is the same notification.
 * @param lines whole lines of newline-delimited JSON, some at a time
 */
export async function* batchesOf(
  lines: AsyncIterable<Buffer>,
  from: number,
  limits: BatchLimits = defaultBatchLimits,
): AsyncGenerator<Batch, void, undefined> {
  let index = 0;
  let changes: string[] = [];
  let bytes = 0;
  for await (const shard of lines) {
    for (const line of linesOf(shard)) {
      index += 1;
      if (index <= from) {
        continue;
      }
      if (changes.length > 0 && (changes.length === limits.changes || bytes + line.length > limits.bytes)) {
        yield { first: index - 1 - changes.length, changes };
        changes = [];
        bytes = 0;
      }
      changes.push(line.toString('utf8'));
      bytes += line.length;
    }
  }
  if (changes.length > 0) {
    yield { first: index - changes.length, changes };
  }
}

/** The id of a change, the same for ever: of the run, and its index in it. */
function changeId(runId: string, index: number): string {
  return `${runId}-${index}`;
}

/**
 * The notification of a batch; its id is that of its first change. Pure.
 * @param queuedAt when the run was complete, milliseconds since the epoch
 * @param total how many changes the run has
 */
export function changesMessage(
  source: NotificationSource,
  { first, changes }: Batch,
  { queuedAt, total }: { readonly queuedAt: number; readonly total: number },
): Message {
  const told = changes.map(
    (line, index) =>
      `{"notificationId":${JSON.stringify(changeId(source.runId, first + index))},${line.slice(1)}`,
  );
  const head = JSON.stringify({ ...source, first, total });
  return {
    id: changeId(source.runId, first),
    body: `{"type":"reconciliation.changes","timestamp":"${timeOf(queuedAt)}","data":${head.slice(0, -1)},"changes":[${told.join(',')}]}}`,
  };
}

/** Changes that will not be sent: who receives them has to read everything anew. */
export interface Gap {
  /** Runs of which some or all changes were dropped. */
  readonly runs: number;
  readonly changes: number;
  /** When something was dropped last, milliseconds since the epoch. */
  readonly at: number;
  /** Of all that were ever dropped: tells this gap from others. */
  readonly total: number;
}

/** The notification that changes are missing. Pure. */
export function gapMessage(
  { connection, connectionId }: { readonly connection: string; readonly connectionId: string },
  { runs, changes, at, total }: Gap,
): Message {
  return {
    id: `${connectionId}-gap-${total}`,
    body: JSON.stringify({
      type: 'reconciliation.gap',
      timestamp: timeOf(at),
      data: { connection, runs, changes },
    }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
