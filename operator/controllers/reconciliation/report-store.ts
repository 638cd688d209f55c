import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { AwsReconciliation } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Client } from '../../runtime/index.ts';
import { ownerReference } from '../names.ts';
import { labelsOf } from './labels.ts';
import { derivedName, maxShardBytes, SecretSets, SpoiltSetError, type Place } from './secret-set.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** What a gzip stream adds to content that it cannot make smaller. */
const gzipRoom = 1_000;

/** The report of a run, as it is kept with it. */
export type StoredReport =
  | {
      readonly kind: 'report';
      /** What there is to say of the run as a whole; `changes` is the number of lines. */
      readonly header: Readonly<Record<string, unknown>>;
      /** Newline-delimited JSON, one change a line; whole lines, some hundred kilobytes at a time. */
      readonly shards: AsyncIterable<Buffer>;
      /** Reads all of it. @throws {SpoiltSetError} where a part is not there, or not as it was written */
      check(): Promise<void>;
    }
  /** The run has not got so far, or its report is gone. */
  | { readonly kind: 'none' };

export interface ReportSecretsOptions {
  readonly client: Client;
}

/** Reports in Secrets of the run, which go with it. Any replica may read them, the leader alone writes. */
export class ReportSecrets {
  readonly #sets: SecretSets;

  constructor(options: ReportSecretsOptions) {
    this.#sets = new SecretSets(options);
  }

  /** Writes the report, also over one of an earlier try of this run. */
  async write(
    run: AwsReconciliation,
    report: { readonly header: object; readonly lines: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const place = placeOf(run);
    const before = await this.#sets.open(place, signal);
    const parts = await packedLines(report.lines);
    await this.#sets.write(place, before, { meta: JSON.stringify(report.header), parts }, signal);
  }

  /** @throws {SpoiltSetError} also by the shards, where it is not as it was written */
  async open(run: AwsReconciliation, signal: AbortSignal): Promise<StoredReport> {
    const place = placeOf(run);
    const set = await this.#sets.open(place, signal);
    if (set === undefined) {
      return { kind: 'none' };
    }
    return {
      kind: 'report',
      header: headerOf(place, set.meta),
      shards: unpackedLines(this.#sets.parts(place, set, signal)),
      check: async () => {
        for await (const _part of this.#sets.parts(place, set, signal)) {
          // What is wrong with it is thrown.
        }
      },
    };
  }
}

/** Lines as the parts of a set: compressed, as many together as surely fit into one Secret. */
export async function packedLines(lines: readonly string[]): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for (const text of chunked(lines)) {
    parts.push(await pack(text));
  }
  return parts;
}

/** Whole lines, some hundred kilobytes at a time. */
export async function* unpackedLines(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const part of parts) {
    yield await unpack(part);
  }
}

/** The report of a run, for who serves it. Reads by name alone; any client will do. */
export function openReport(
  client: Client,
  run: AwsReconciliation,
  signal: AbortSignal,
): Promise<StoredReport> {
  return new ReportSecrets({ client }).open(run, signal);
}

function headerOf({ head }: Place, text: string): Readonly<Record<string, unknown>> {
  try {
    const header = JSON.parse(text) as unknown;
    if (typeof header === 'object' && header !== null) {
      return header as Readonly<Record<string, unknown>>;
    }
  } catch {
    // As below.
  }
  throw new SpoiltSetError(`Secret "${head}" is not as it was written`);
}

function placeOf(run: AwsReconciliation): Place {
  const { namespace = '', uid = '' } = run.metadata;
  return {
    namespace,
    head: derivedName(keyOf(run), 'report', uid),
    mark: `report ${keyString(keyOf(run))} ${uid}`,
    owner: ownerReference(run),
    labels: labelsOf('report'),
  };
}

/** Lines together, as many as surely fit into one Secret once they are packed. */
function* chunked(lines: readonly string[]): Generator<string> {
  let chunk: string[] = [];
  let size = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (size > 0 && size + bytes > maxShardBytes - gzipRoom) {
      yield chunk.join('');
      chunk = [];
      size = 0;
    }
    chunk.push(`${line}\n`);
    size += bytes;
  }
  if (chunk.length > 0) {
    yield chunk.join('');
  }
}
