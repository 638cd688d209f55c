import type { DisableWith } from '../account/index.ts';

/** `AwsConnection.spec.settings` as written: every field may be absent. */
export interface SettingsInput {
  readonly pageSize?: number;
  readonly passwordLastUsed?: boolean;
  readonly region?: string;
  readonly cloudTrailRegion?: string;
  readonly policyGroup?: boolean;
  readonly changePasswordNextSignIn?: boolean;
  readonly enableProgrammaticAccess?: boolean;
  readonly timeZone?: string;
  readonly attributeTagPrefix?: string;
  readonly protectedTags?: readonly string[];
  readonly disableWith?: DisableWith;
}

/** The settings in force. */
export interface Settings {
  readonly pageSize: number;
  readonly passwordLastUsed: boolean;
  readonly region: string;
  readonly cloudTrailRegion: string;
  readonly policyGroup: boolean;
  readonly changePasswordNextSignIn: boolean;
  readonly enableProgrammaticAccess: boolean;
  /** An IANA name. */
  readonly timeZone: string;
  readonly attributeTagPrefix: string;
  readonly protectedTags: readonly string[];
  readonly disableWith: DisableWith;
}

export interface SettingsProblem {
  readonly reason: 'InvalidTimeZone' | 'InvalidSchema';
  readonly message: string;
}

/** The guide's default `IST` means India there; IANA knows no such name. */
const timeZoneAliases: Readonly<Record<string, string>> = { IST: 'Asia/Kolkata' };

/** The partition of a region, and the one region of it where IAM's events are recorded. */
export function partitionOf(region: string): { readonly partition: string; readonly homeRegion: string } {
  if (region.startsWith('cn-') || region === 'aws-cn-global') {
    return { partition: 'aws-cn', homeRegion: 'cn-north-1' };
  }
  if (region.startsWith('us-gov-') || region === 'aws-us-gov-global') {
    return { partition: 'aws-us-gov', homeRegion: 'us-gov-west-1' };
  }
  return { partition: 'aws', homeRegion: 'us-east-1' };
}

/** Fills in the defaults; sentences on what only a parser can refuse. */
export function resolveSettings(input: SettingsInput): { settings: Settings; problems: SettingsProblem[] } {
  const region = input.region ?? 'aws-global';
  const asked = input.timeZone ?? 'UTC';
  const timeZone = timeZoneOf(asked);
  const problems: SettingsProblem[] = [];
  if (timeZone === undefined) {
    problems.push({
      reason: 'InvalidTimeZone',
      message: `settings.timeZone "${asked}" is not an IANA time zone; write a name such as Europe/Berlin, Asia/Kolkata or UTC`,
    });
  }
  return {
    settings: {
      pageSize: input.pageSize ?? 1000,
      passwordLastUsed: input.passwordLastUsed ?? false,
      region,
      cloudTrailRegion: input.cloudTrailRegion ?? partitionOf(region).homeRegion,
      policyGroup: input.policyGroup ?? false,
      changePasswordNextSignIn: input.changePasswordNextSignIn ?? false,
      enableProgrammaticAccess: input.enableProgrammaticAccess ?? false,
      timeZone: timeZone ?? 'UTC',
      attributeTagPrefix: input.attributeTagPrefix ?? '',
      protectedTags: input.protectedTags ?? [],
      disableWith: input.disableWith ?? 'DenyPolicy',
    },
    problems,
  };
}

/** A time as people of that zone read it: RFC 3339 with the zone's offset at that time. */
export function formatInZone(epochMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(epochMs);
  const of = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((part) => part.type === type)?.value ?? '';
  const offset = of('timeZoneName').replace('GMT', '');
  return (
    `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}:${of('second')}` +
    (offset === '' || offset === '+00:00' ? 'Z' : offset)
  );
}

/** The IANA name of a time zone as people write it; undefined where there is none of that name. */
export function timeZoneOf(asked: string): string | undefined {
  const name = timeZoneAliases[asked] ?? asked;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions();
    return /^[+-]/.test(timeZone) ? undefined : name;
  } catch {
    return undefined;
  }
}
