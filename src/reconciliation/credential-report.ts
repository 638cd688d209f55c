import type { CredentialFacts } from '../account/index.ts';
import { isAwsError, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Clock } from '../ports.ts';

/** The credentials of every user of an account, as AWS put them together at one time. */
export interface CredentialReport {
  /** Of a user by its ARN and when it was made; a name that was given anew is another user. */
  of(arn: string, createdAt: number): CredentialFacts | undefined;
}

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

  constructor({ clock }: CredentialReportsOptions) {
    this.#clock = clock;
  }

  /** Has AWS begin a new report where one is due. To be called some time before `read`. */
  async begin(api: AwsApi, options: CallOptions): Promise<void> {
    if (this.#isDue(api)) {
      await known(api.call('GenerateCredentialReport', {}, options));
    }
  }

  /**
   * The newest report that there is; the one before while AWS still makes the next; undefined where it
   * cannot be read, which is no error: what it would say is unknown.
   * @throws {AwsError} only where the credentials are refused
   */
  async read(api: AwsApi, options: CallOptions): Promise<CredentialReport | undefined> {
    if (this.#isDue(api)) {
      const answer = await known(api.call('GetCredentialReport', {}, options));
      if (answer === 'refused') {
        this.#last = undefined;
      } else if (answer !== 'later' && answer.Content !== undefined) {
        const generatedAt = answer.GeneratedTime?.getTime() ?? this.#now(api);
        const text = Buffer.from(answer.Content).toString('utf8');
        this.#last = { generatedAt, report: parseReport(text, generatedAt - lagMs) };
      }
    }
    const last = this.#last;
    return last === undefined || this.#now(api) - last.generatedAt >= expiredMs ? undefined : last.report;
  }

  #isDue(api: AwsApi): boolean {
    return this.#last === undefined || this.#now(api) - this.#last.generatedAt >= renewMs;
  }

  #now(api: AwsApi): number {
    return this.#clock.now() + api.skewMs;
  }
}

/** `later`: it is still being made, or AWS does not answer at the moment. */
async function known<T>(call: Promise<T>): Promise<T | 'later' | 'refused'> {
  try {
    return await call;
  } catch (error) {
    if (!isAwsError(error) || error.kind === 'badCredentials') {
      throw error;
    }
    return error.isTransient || error.code === 'CredentialReportNotReady' ? 'later' : 'refused';
  }
}

/**
 * Reads a report by the names of its columns (IAM user guide, credential reports). Undefined where it is
 * not what that describes; a row that is not, says nothing of its user.
 */
function parseReport(text: string, asOf: number): CredentialReport | undefined {
  const rows = parseCsv(text);
  const [header, ...users] = rows ?? [];
  if (header === undefined || columns.some((name) => !header.includes(name))) {
    return undefined;
  }
  const facts = new Map<string, CredentialFacts>();
  for (const row of users) {
    const cells = Object.fromEntries(header.map((name, index) => [name, row[index] ?? '']));
    const createdAt = parseTime(cells['user_creation_time']);
    const read = row.length === header.length ? factsOf(cells, asOf) : undefined;
    if (typeof createdAt === 'number' && read !== undefined) {
      facts.set(keyOf(cells['arn'] ?? '', createdAt), read);
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

type Cells = Readonly<Record<string, string | undefined>>;

function factsOf(cells: Cells, asOf: number): CredentialFacts | undefined {
  const console = parseFlag(cells['password_enabled']);
  const mfa = parseFlag(cells['mfa_active']);
  const passwordLastUsed = parseTime(cells['password_last_used']);
  const passwordChangedAt = parseTime(cells['password_last_changed']);
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
  const [active, rotatedAt, lastUsed] = keyColumns(number).map((name) => cells[name]);
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

/** Rows of cells by RFC 4180; undefined where a quote is not where it may be. */
function parseCsv(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let row: string[] = [];
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (found === null) {
      return undefined;
    }
    const [, quoted, plain = '', end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      rows.push(row);
      row = [];
    } else if (cell.lastIndex === text.length) {
      rows.push([...row, '']);
      row = [];
    }
  }
  return rows;
}
