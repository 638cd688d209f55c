import { describe, expect, test } from '@jest/globals';
import {
  formatInZone,
  partitionOf,
  resolveSettings,
  type SettingsInput,
} from '../../../src/connection/index.ts';

describe('settings', () => {
  test('have their defaults', () => {
    expect(resolveSettings({})).toEqual({
      problems: [],
      settings: {
        pageSize: 1000,
        passwordLastUsed: false,
        region: 'aws-global',
        cloudTrailRegion: 'us-east-1',
        policyGroup: false,
        enableProgrammaticAccess: false,
        changePasswordNextSignIn: false,
        timeZone: 'UTC',
        attributeTagPrefix: '',
        protectedTags: [],
        disableWith: 'DenyPolicy',
      },
    });
  });

  test('are taken as they are given', () => {
    const given: Required<SettingsInput> = {
      pageSize: 25,
      passwordLastUsed: true,
      region: 'eu-central-1',
      cloudTrailRegion: 'us-east-2',
      policyGroup: true,
      changePasswordNextSignIn: true,
      enableProgrammaticAccess: true,
      timeZone: 'Europe/Berlin',
      attributeTagPrefix: 'person/',
      protectedTags: ['team'],
      disableWith: 'CredentialsOnly',
    };
    expect(resolveSettings(given)).toEqual({ settings: given, problems: [] });
  });

  test.each([
    ['aws-global', 'aws', 'us-east-1'],
    ['eu-central-1', 'aws', 'us-east-1'],
    ['us-gov-east-1', 'aws-us-gov', 'us-gov-west-1'],
    ['aws-us-gov-global', 'aws-us-gov', 'us-gov-west-1'],
    ['cn-northwest-1', 'aws-cn', 'cn-north-1'],
    ['aws-cn-global', 'aws-cn', 'cn-north-1'],
  ])('%s is of %s, whose events of IAM are in %s', (region, partition, homeRegion) => {
    expect(partitionOf(region)).toEqual({ partition, homeRegion });
    expect(resolveSettings({ region }).settings.cloudTrailRegion).toBe(homeRegion);
  });
});

describe('the time zone', () => {
  test.each([
    ['IST', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Europe/Berlin', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ])('%s is read as %s', (timeZone, expected) => {
    const { settings, problems } = resolveSettings({ timeZone });
    expect(problems).toEqual([]);
    expect(settings.timeZone).toBe(expected);
  });

  test.each(['Europe/Bonn', '', '+05:30', '-0800', 'Berlin', 'UTC+1', 'nowhere'])(
    '"%s" is refused with what to write, and UTC is shown meanwhile',
    (timeZone) => {
      const { settings, problems } = resolveSettings({ timeZone });
      expect(problems).toEqual([
        {
          reason: 'InvalidTimeZone',
          message: `settings.timeZone "${timeZone}" is not an IANA time zone; write a name such as Europe/Berlin, Asia/Kolkata or UTC`,
        },
      ]);
      expect(settings.timeZone).toBe('UTC');
    },
  );
});

describe('a time as people of a zone read it', () => {
  test.each([
    ['2026-01-15T12:00:00Z', 'UTC', '2026-01-15T12:00:00Z'],
    ['2026-01-15T12:00:00Z', 'Asia/Kolkata', '2026-01-15T17:30:00+05:30'],
    ['2026-01-15T12:00:00Z', 'Europe/Berlin', '2026-01-15T13:00:00+01:00'],
    ['2026-07-15T12:00:00Z', 'Europe/Berlin', '2026-07-15T14:00:00+02:00'],
    // The clocks of Berlin go on at 01:00 UTC on 29 March and back at 01:00 UTC on 25 October 2026.
    ['2026-03-29T00:59:59Z', 'Europe/Berlin', '2026-03-29T01:59:59+01:00'],
    ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29T03:00:00+02:00'],
    ['2026-10-25T00:59:59Z', 'Europe/Berlin', '2026-10-25T02:59:59+02:00'],
    ['2026-10-25T01:00:00Z', 'Europe/Berlin', '2026-10-25T02:00:00+01:00'],
    ['2026-01-01T04:30:00Z', 'America/New_York', '2025-12-31T23:30:00-05:00'],
    ['2026-01-15T00:00:00Z', 'UTC', '2026-01-15T00:00:00Z'],
    ['2026-01-14T23:00:00Z', 'Europe/Berlin', '2026-01-15T00:00:00+01:00'],
    ['2026-01-15T12:00:00Z', 'Europe/London', '2026-01-15T12:00:00Z'],
    ['2026-01-15T12:00:00Z', 'Asia/Kathmandu', '2026-01-15T17:45:00+05:45'],
    ['2026-01-15T12:00:00.999Z', 'UTC', '2026-01-15T12:00:00Z'],
  ])('%s in %s is %s', (time, zone, expected) => {
    expect(formatInZone(Date.parse(time), zone)).toBe(expected);
  });

  test('is the same moment in every zone', () => {
    const moment = Date.UTC(2026, 5, 30, 23, 59, 59);
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      expect([zone, Date.parse(formatInZone(moment, zone))]).toEqual([zone, moment]);
    }
  });
});
