import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { AwsReconciliation } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Client } from '../../runtime/index.ts';
import { labelsOf } from './labels.ts';
import { derivedName, maxShardBytes, ownerReference, SecretSets, type Place } from './secret-set.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** What a gzip stream adds to content that it cannot make smaller. */
const gzipRoom = 1_000;

/** The report of a run. */
export interface StoredReport {
  /** JSON: what there is to say of the run as a whole. */
  readonly header: string;
  /** Newline-delimited JSON, one change a line, some hundred kilobytes at a time. */
  chunks(signal: AbortSignal): AsyncGenerator<Buffer>;
}

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
    report: { readonly header: string; readonly lines: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    const place = placeOf(run);
    const before = await this.#sets.open(place, signal);
    const parts: Buffer[] = [];
    for (const text of chunked(report.lines)) {
      parts.push(await pack(text));
    }
    await this.#sets.write(place, before, { meta: report.header, parts }, signal);
  }

  /**
   * Undefined where the run has none: it has not got so far, or its report is gone.
   * @throws {SpoiltSetError} where it is not as it was written
   */
  async open(run: AwsReconciliation, signal: AbortSignal): Promise<StoredReport | undefined> {
    const place = placeOf(run);
    const sets = this.#sets;
    const set = await sets.open(place, signal);
    if (set === undefined) {
      return undefined;
    }
    return {
      header: set.meta,
      async *chunks(until) {
        for await (const part of sets.parts(place, set, until)) {
          yield await unpack(part);
        }
      },
    };
  }
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
