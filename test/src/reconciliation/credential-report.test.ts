import { describe, expect, test } from '@jest/globals';
import { AwsError, type AwsErrorKind } from '../../../src/aws/index.ts';
import {
  CredentialReports,
  readAccount,
  type CredentialReport,
  type ReadReport,
} from '../../../src/reconciliation/index.ts';
import { answering } from '../answering.ts';
import { FakeClock } from '../fake-clock.ts';

const { signal } = new AbortController();
const header =
  'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,' +
  'access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,' +
  'access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,' +
  'cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated,additional_credentials_info';
const root =
  '<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,2024-05-01T08:00:00+00:00,' +
  'not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A,N/A';
const arn = 'arn:aws:iam::111122223333:user/jo';
const made = Date.parse('2024-01-01T00:00:00Z');
const at = (text: string): number => Date.parse(`${text}Z`);

/** A row of the report, as AWS writes it for a user without anything, with these cells in place. */
function row(cells: Readonly<Record<string, string>>, of = arn): string {
  const none = header.split(',').map((name) => (/_active$|enabled$/.test(name) ? 'false' : 'N/A'));
  const plain = Object.fromEntries(header.split(',').map((name, index) => [name, none[index] ?? '']));
  const all = { ...plain, user: 'jo', arn: of, user_creation_time: '2024-01-01T00:00:00+00:00', ...cells };
  return Object.values(all).join(',');
}

interface Served {
  text?: string;
  generatedAt?: number;
  fault?: { readonly kind: AwsErrorKind; readonly code: string };
}

/** AWS with one report, which can be replaced. */
class Desk {
  readonly clock = new FakeClock();
  readonly calls: string[] = [];
  readonly reports = new CredentialReports({ clock: this.clock });
  readonly served: Served = { generatedAt: this.clock.now() };
  readonly api = answering({
    GenerateCredentialReport: () => this.#answer('GenerateCredentialReport', () => ({ State: 'STARTED' })),
    GetCredentialReport: () =>
      this.#answer('GetCredentialReport', () => ({
        Content: Buffer.from(this.served.text ?? ''),
        GeneratedTime: new Date(this.served.generatedAt ?? 0),
      })),
    GetAccountAuthorizationDetails: () => {
      this.calls.push('GetAccountAuthorizationDetails');
      return { UserDetailList: [{ UserName: 'jo', UserId: 'A', Arn: arn }] };
    },
  });

  constructor(...lines: readonly string[]) {
    this.served.text = [header, root, ...lines].join('\n');
  }

  #answer<T>(operation: string, answer: () => T): T {
    this.calls.push(operation);
    const { fault } = this.served;
    if (fault !== undefined) {
      throw new AwsError({ ...fault, operation, message: 'made up' });
    }
    return answer();
  }

  async read(): Promise<CredentialReport | undefined> {
    const read = await this.readOrWhy();
    return read.kind === 'report' ? read.report : undefined;
  }

  async readOrWhy(): Promise<ReadReport> {
    await this.reports.begin(this.api, { signal });
    return this.reports.read(this.api, { signal });
  }
}

describe('a row of the report', () => {
  test.each<[string, Readonly<Record<string, string>>, object]>([
    ['of a user with nothing', {}, { console: false, mfa: false, keys: [] }],
    [
      'of a password that was never used',
      {
        password_enabled: 'true',
        password_last_used: 'no_information',
        password_last_changed: '2024-02-01T10:00:00+00:00',
      },
      { console: true, passwordChangedAt: at('2024-02-01T10:00:00'), keys: [] },
    ],
    [
      'in capitals, as the user guide has them',
      { password_enabled: 'TRUE', mfa_active: 'TRUE', access_key_1_active: 'FALSE' },
      { console: true, mfa: true, keys: [] },
    ],
    [
      'of a password and two keys that were used',
      {
        password_enabled: 'true',
        password_last_used: '2024-03-01T10:00:00+00:00',
        access_key_1_active: 'true',
        access_key_1_last_rotated: '2024-02-01T00:00:01+00:00',
        access_key_1_last_used_date: '2024-03-02T00:00:00+00:00',
        access_key_2_active: 'false',
        access_key_2_last_rotated: '2024-02-02T00:00:00+00:00',
      },
      {
        console: true,
        passwordLastUsed: at('2024-03-01T10:00:00'),
        keys: [
          { active: true, rotatedAt: at('2024-02-01T00:00:01'), lastUsed: at('2024-03-02T00:00:00') },
          { active: false, rotatedAt: at('2024-02-02T00:00:00') },
        ],
      },
    ],
    [
      'of which only the second key is left',
      { access_key_2_active: 'true', access_key_2_last_rotated: '2024-02-02T00:00:00+00:00' },
      { keys: [{ active: true, rotatedAt: at('2024-02-02T00:00:00') }] },
    ],
  ])('%s', async (_, cells, facts) => {
    const desk = new Desk(row(cells));
    const read = (await desk.read())?.of(arn, made + 999);
    expect(read).toMatchObject(facts);
    const times = ['passwordLastUsed', 'passwordChangedAt'].filter((name) => name in (read ?? {}));
    expect(times).toEqual(['passwordLastUsed', 'passwordChangedAt'].filter((name) => name in facts));
  });

  test('speaks of a time before it was made, since the making takes a while', async () => {
    const desk = new Desk(row({}));
    const read = (await desk.read())?.of(arn, made);
    expect(desk.clock.now() - (read?.asOf ?? 0)).toBe(120_000);
  });

  test('is of one user by its ARN and when it was made', async () => {
    const report = await new Desk(row({}), row({}, `"${arn},x"`)).read();
    expect(report?.of(`${arn},x`, made)).toBeDefined();
    for (const other of [report?.of(arn, made + 1_000), report?.of(`${arn}x`, made)]) {
      expect(other).toBeUndefined();
    }
  });

  test.each([
    ['password_enabled', 'perhaps'],
    ['password_last_used', 'yesterday'],
    ['access_key_2_last_rotated', ''],
    ['access_key_1_active', 'N/A'],
    ['user_creation_time', 'N/A'],
    ['user', 'a,cell,too,many'],
  ])('whose %s is "%s" says nothing, and the next row still does', async (column, cell) => {
    const other = `${arn}2`;
    const report = await new Desk(row({ [column]: cell }), row({}, other)).read();
    expect(report?.of(arn, made)).toBeUndefined();
    expect(report?.of(other, made)).toBeDefined();
  });
});

describe('a report', () => {
  test.each([
    ['without a column that is needed', `user,arn\njo,${arn}`],
    ['with a quote in the middle of a cell', `${header}\njo"x,${arn}`],
    ['with a quote that does not end', `${header}\n"jo,${arn}`],
    ['that is empty', ''],
  ])('%s says nothing', async (_, text) => {
    const desk = new Desk();
    desk.served.text = text;
    expect(await desk.read()).toBeUndefined();
  });

  test('may have quoted cells, line ends of either kind and one at the end', async () => {
    const quoted = row({ user: '"jo ""x"", y"' });
    const desk = new Desk();
    desk.served.text = `${header}\r\n${quoted}\r\n${row({}, `${arn}2`)}\n`;
    const report = await desk.read();
    expect(report?.of(arn, made)).toBeDefined();
    expect(report?.of(`${arn}2`, made)).toBeDefined();
  });

  test('is begun before the users are read, and fetched when they were', async () => {
    const desk = new Desk(row({}));
    const reading = await readAccount(desk.api, {
      signal,
      pageSize: 10,
      passwordLastUsed: false,
      caller: { accountId: '111122223333', userId: 'A' },
      clock: desk.clock,
      reports: desk.reports,
    });
    expect(desk.calls).toEqual([
      'GenerateCredentialReport',
      'GetAccountAuthorizationDetails',
      'GetCredentialReport',
    ]);
    expect(reading.pages).toBe(3);
    expect(reading.credentials?.of(arn, made)).toBeDefined();
  });

  test('is asked for again when it is four hours old, not before', async () => {
    const desk = new Desk(row({}));
    await desk.read();
    await desk.clock.advance(4 * 3_600_000 - 1);
    expect((await desk.read())?.of(arn, made)).toBeDefined();
    expect(desk.calls).toHaveLength(2);
    await desk.clock.advance(1);
    desk.served.generatedAt = desk.clock.now();
    desk.served.text = [header, row({ mfa_active: 'true' })].join('\n');
    expect((await desk.read())?.of(arn, made)?.mfa).toBe(true);
    expect(desk.calls).toHaveLength(4);
  });

  test.each<[string, AwsErrorKind, string, boolean]>([
    ['that AWS still makes', 'invalid', 'CredentialReportNotReady', true],
    ['for which AWS is too busy', 'throttled', 'Throttling', true],
    ['that must not be read', 'accessDenied', 'AccessDenied', false],
    ['that is not there', 'invalid', 'CredentialReportNotPresent', false],
    ['that is too old', 'invalid', 'CredentialReportExpired', false],
  ])('%s is no error of the reading', async (_, kind, code, keeps) => {
    const desk = new Desk(row({}));
    desk.served.fault = { kind, code };
    expect(await desk.read()).toBeUndefined();
    delete desk.served.fault;
    expect(await desk.read()).toBeDefined();
    await desk.clock.advance(5 * 3_600_000);
    desk.served.fault = { kind, code };
    expect((await desk.read()) !== undefined).toBe(keeps);
    // However: not for ever.
    await desk.clock.advance(3 * 3_600_000);
    expect(await desk.readOrWhy()).toMatchObject({
      kind: 'unknown',
      why: `GetCredentialReport: ${code}: made up`,
    });
  });

  test('is not there, and it is said why, where AWS makes no newer one or another thing than a report', async () => {
    const desk = new Desk(row({}));
    desk.served.generatedAt = desk.clock.now() - 9 * 3_600_000;
    expect(await desk.readOrWhy()).toEqual({
      kind: 'unknown',
      why: 'the newest credential report is of 2025-12-31T15:00:00.000Z, and AWS made no newer one',
      calls: 2,
    });
    desk.served.generatedAt = desk.clock.now();
    desk.served.text = 'user,arn\njo,x';
    expect(await desk.readOrWhy()).toEqual({
      kind: 'unknown',
      why: 'the credential report is not as the IAM user guide describes it',
      calls: 2,
    });
  });

  test('of many users is read in parts, and the same', async () => {
    const desk = new Desk(...Array.from({ length: 1_234 }, (_, index) => row({}, `${arn}${index}`)));
    const report = await desk.read();
    expect([0, 499, 500, 1_233].map((index) => report?.of(`${arn}${index}`, made)?.console)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(report?.of(`${arn}1234`, made)).toBeUndefined();
  });

  test('is an error where the credentials are bad: then nothing of the account can be read', async () => {
    const desk = new Desk(row({}));
    desk.served.fault = { kind: 'badCredentials', code: 'InvalidClientTokenId' };
    await expect(desk.read()).rejects.toThrow('InvalidClientTokenId');
  });
});
