import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CredentialFacts } from '../account/index.ts';
import { isAwsError, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Clock } from '../ports.ts';
import { Texts } from './texts.ts';

/** The credentials of every user of an account, as AWS put them together at one time. */
export interface CredentialReport {
  /** Of a user by its ARN and when it was made; a name that was given anew is another user. */
  of(arn: string, createdAt: number): CredentialFacts | undefined;
}

/** The report, or why there is none; and how many calls that took since it was begun. */
export type ReadReport = (
  | { readonly kind: 'report'; readonly report: CredentialReport }
  | { readonly kind: 'unknown'; readonly why: string }
) & { readonly calls: number };

export interface CredentialReportsOptions {
  readonly clock: Clock;
}

/** AWS makes a new report at most this often (IAM user guide, credential reports). */
const renewMs = 4 * 3_600_000;
/** A report that could not be renewed for so long says nothing any more. */
const expiredMs = 2 * renewMs;
/** The making takes a while, and what was changed right before it may be missing (IAM is eventually consistent). */
const lagMs = 120_000;

/** The newest credential report of one AWS account, renewed as often as AWS allows. */
export class CredentialReports {
  readonly #clock: Clock;
  #last: { readonly generatedAt: number; readonly report: CredentialReport | undefined } | undefined;
  /** Why there is no newer one. */
  #why = 'AWS answered without a credential report';
  #calls = 0;

  constructor({ clock }: CredentialReportsOptions) {
    this.#clock = clock;
  }

  /** Has AWS begin a new report where one is due. To be called some time before `read`. */
  async begin(api: AwsApi, options: CallOptions): Promise<void> {
    this.#calls = 0;
    if (this.#isDue(api)) {
      this.#calls += 1;
      const begun = await known(api.call('GenerateCredentialReport', {}, options));
      if (begun.kind !== 'answer') {
        this.#why = begun.why;
      }
    }
  }

  /**
   * The newest report that there is; the one before while AWS still makes the next; or why it cannot be read,
   * which is no error: what it would say is unknown.
   * @throws {AwsError} only where the credentials are refused
   */
  async read(api: AwsApi, options: CallOptions): Promise<ReadReport> {
    if (this.#isDue(api)) {
      this.#calls += 1;
      const read = await known(api.call('GetCredentialReport', {}, options));
      if (read.kind === 'refused') {
        this.#last = undefined;
      }
      if (read.kind !== 'answer') {
        this.#why = read.why;
      } else if (read.answer.Content !== undefined) {
        const generatedAt = read.answer.GeneratedTime?.getTime() ?? this.#now(api);
        const text = Buffer.from(read.answer.Content).toString('utf8');
        const report = await parseReport(text, generatedAt - lagMs);
        this.#last = { generatedAt, report };
        this.#why =
          report === undefined
            ? 'the credential report is not as the IAM user guide describes it'
            : `the newest credential report is of ${new Date(generatedAt).toISOString()}, and AWS made no newer one`;
      }
    }
    const last = this.#last;
    const calls = this.#calls;
    if (last?.report !== undefined && this.#now(api) - last.generatedAt < expiredMs) {
      return { kind: 'report', report: last.report, calls };
    }
    return { kind: 'unknown', why: this.#why, calls };
  }

  #isDue(api: AwsApi): boolean {
    return this.#last === undefined || this.#now(api) - this.#last.generatedAt >= renewMs;
  }

  #now(api: AwsApi): number {
    return this.#clock.now() + api.skewMs;
  }
}

/** `later`: it is still being made, or AWS does not answer at the moment. */
async function known<T>(
  call: Promise<T>,
): Promise<
  | { readonly kind: 'answer'; readonly answer: T }
  | { readonly kind: 'later' | 'refused'; readonly why: string }
> {
  try {
    return { kind: 'answer', answer: await call };
  } catch (error) {
    if (!isAwsError(error) || error.kind === 'badCredentials') {
      throw error;
    }
    const notReady = error.isTransient || error.code === 'CredentialReportNotReady';
    return { kind: notReady ? 'later' : 'refused', why: error.message };
  }
}

/** So many rows are read in one go; whoever waits meanwhile goes before the next. */
const rowsAtOnce = 500;

/**
 * Reads a report by the names of its columns (IAM user guide, credential reports). Undefined where it is
 * not what that describes; a row that is not, says nothing of its user.
 */
async function parseReport(text: string, asOf: number): Promise<CredentialReport | undefined> {
  const rows = parseCsv(text);
  const header = rows.next().value;
  if (!Array.isArray(header) || columns.some((name) => !header.includes(name))) {
    return undefined;
  }
  const places = new Map(header.map((name, index) => [name, index]));
  const texts = new Texts();
  const facts = new Map<string, CredentialFacts>();
  let count = 0;
  for (const row of rows) {
    if (row === 'spoilt') {
      return undefined;
    }
    const cells: Cells = (name) => row[places.get(name) ?? -1];
    const createdAt = parseTime(cells('user_creation_time'));
    const read = row.length === header.length ? factsOf(cells, asOf) : undefined;
    if (typeof createdAt === 'number' && read !== undefined) {
      facts.set(texts.own(keyOf(cells('arn') ?? '', createdAt)), read);
    }
    count += 1;
    if (count % rowsAtOnce === 0) {
      await nextTurn();
    }
  }
  return { of: (arn, createdAt) => facts.get(keyOf(arn, createdAt)) };
}

const keyColumns = (number: 1 | 2): readonly string[] =>
  ['active', 'last_rotated', 'last_used_date'].map((name) => `access_key_${number}_${name}`);
const columns: readonly string[] = [
  'arn',
  'user_creation_time',
  'password_enabled',
  'password_last_used',
  'password_last_changed',
  'mfa_active',
  ...keyColumns(1),
  ...keyColumns(2),
];

/** The cell of a column. */
type Cells = (name: string) => string | undefined;

function factsOf(cells: Cells, asOf: number): CredentialFacts | undefined {
  const console = parseFlag(cells('password_enabled'));
  const mfa = parseFlag(cells('mfa_active'));
  const passwordLastUsed = parseTime(cells('password_last_used'));
  const passwordChangedAt = parseTime(cells('password_last_changed'));
  const keys = ([1, 2] as const).map((number) => keyIn(cells, number));
  if (
    console === undefined ||
    mfa === undefined ||
    passwordLastUsed === 'spoilt' ||
    passwordChangedAt === 'spoilt' ||
    keys.includes('spoilt')
  ) {
    return undefined;
  }
  return {
    asOf,
    console,
    mfa,
    ...(passwordLastUsed === undefined ? {} : { passwordLastUsed }),
    ...(passwordChangedAt === undefined ? {} : { passwordChangedAt }),
    keys: keys.filter((key) => typeof key === 'object'),
  };
}

/** Undefined where there is no such key. */
function keyIn(cells: Cells, number: 1 | 2): CredentialFacts['keys'][number] | 'spoilt' | undefined {
  const [active, rotatedAt, lastUsed] = keyColumns(number).map((name) => cells(name));
  const isActive = parseFlag(active);
  const rotated = parseTime(rotatedAt);
  const used = parseTime(lastUsed);
  if (isActive === undefined || rotated === 'spoilt' || used === 'spoilt') {
    return 'spoilt';
  }
  return !isActive && rotated === undefined && used === undefined
    ? undefined
    : {
        active: isActive,
        ...(rotated === undefined ? {} : { rotatedAt: rotated }),
        ...(used === undefined ? {} : { lastUsed: used }),
      };
}

function parseFlag(cell: string | undefined): boolean | undefined {
  const flags: Readonly<Record<string, boolean>> = { true: true, false: false };
  return flags[cell?.toLowerCase() ?? ''];
}

/** What stands in place of a time that there is none of. */
const noTimes: ReadonlySet<string> = new Set(['N/A', 'no_information', 'not_supported']);

/** Milliseconds since the epoch; undefined where there is no such time. */
function parseTime(cell: string | undefined): number | 'spoilt' | undefined {
  if (cell === undefined || noTimes.has(cell)) {
    return undefined;
  }
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(cell) ? Date.parse(cell) : Number.NaN;
  return Number.isNaN(at) ? 'spoilt' : at;
}

/** Times in the report have whole seconds. */
function keyOf(arn: string, createdAt: number): string {
  return `${Math.floor(createdAt / 1000)} ${arn}`;
}

/** Rows of cells by RFC 4180; `spoilt`, and nothing more, where a quote is not where it may be. */
function* parseCsv(text: string): Generator<readonly string[] | 'spoilt'> {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let row: string[] = [];
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (found === null) {
      yield 'spoilt';
      return;
    }
    const [, quoted, plain = '', end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      yield row;
      row = [];
    } else if (cell.lastIndex === text.length) {
      yield [...row, ''];
    }
  }
}
