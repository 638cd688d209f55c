import { hash } from 'node:crypto';
import { Cron } from 'croner';

/** Up to where a timetable has been followed. Milliseconds since the epoch. */
export interface Followed {
  /** What came until then was dealt with; at first, when the timetable was first seen. */
  readonly since: number;
  /** The last time for which a run was made, of this or an earlier timetable. */
  readonly last: number | undefined;
}

/** The times at which something is to be done: whole seconds, in milliseconds since the epoch. Pure. */
export interface Timetable {
  /** Stays the same for as long as the times do. */
  readonly text: string;
  /** The latest time after `since` that has come; undefined where none has. */
  due(followed: Followed, now: number): number | undefined;
  /** The first time that is still to come. */
  next(followed: Followed, now: number): number;
}

export type CronReading =
  | { readonly kind: 'timetable'; readonly timetable: Timetable }
  | { readonly kind: 'refused'; readonly message: string };

const nicknames = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];
const names = /jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat/gi;
const fields = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12 },
  { name: 'day of the week', least: 0, most: 7 },
] as const;

/**
 * The times of a cron schedule in a time zone: the five fields that a CronJob takes, or one of its nicknames.
 * A time that summer time leaves out comes right after the gap, and one that it brings twice comes once, unless
 * minute or hour have a wildcard or a step: those go by the clock on the wall, and come in either hour.
 * @param timeZone an IANA name
 */
export function cronTimetable(schedule: string, timeZone: string): CronReading {
  const text = schedule.trim().replaceAll(/\s+/g, ' ');
  const wrong = notCron(text);
  if (wrong !== undefined) {
    return { kind: 'refused', message: wrong };
  }
  try {
    const cron = new Cron(text, { mode: '5-part', timezone: timeZone, fixedTimeRule: 'no-wildcard' });
    const next = (after: number): number | undefined => cron.nextRun(new Date(after))?.getTime();
    // A day that no month has (30 February) is found out once, since the search for it goes on for 8,000 years.
    if (next(Date.UTC(2000, 0)) === undefined) {
      return { kind: 'refused', message: 'there is no such day' };
    }
    return {
      kind: 'timetable',
      timetable: {
        text: `cron ${text} ${timeZone}`,
        due: ({ since }, now) => {
          // Croner looks strictly before the second that it is given.
          const latest = cron.previousRuns(1, new Date(Math.floor(now / 1_000) * 1_000 + 1_000))[0];
          return latest !== undefined && latest.getTime() > since ? latest.getTime() : undefined;
        },
        next: ({ since }, now) => next(Math.max(since, now)) ?? Number.POSITIVE_INFINITY,
      },
    };
  } catch (error) {
    return { kind: 'refused', message: sentenceOf(error) };
  }
}

/** What is wrong beyond what the library refuses: it knows more than a CronJob does. */
function notCron(text: string): string | undefined {
  if (/^(cron_)?tz=/i.test(text)) {
    return 'it names a time zone: write that into spec.reconciliation.timeZone';
  }
  if (/^@every\b/i.test(text)) {
    return '@every is none: write spec.reconciliation.interval in its place';
  }
  if (text.startsWith('@')) {
    return nicknames.includes(text.toLowerCase())
      ? undefined
      : `there is no ${text}: there are ${nicknames.join(', ')}`;
  }
  const values = text === '' ? [] : text.split(' ');
  if (values.length !== fields.length) {
    const wanted = fields.map(({ name }) => name).join(', ');
    return `it has ${values.length} ${values.length === 1 ? 'field' : 'fields'} in place of five (${wanted})`;
  }
  const strange = text.replaceAll(names, '').match(/[^\d*?,/ -]/)?.[0];
  return strange === undefined
    ? fields.map((field, at) => wrongField(field, values[at] ?? '')).find((wrong) => wrong !== undefined)
    : `"${strange}" has no meaning in it`;
}

/** What the library refuses as well, in words that name the field. */
function wrongField({ name, least, most }: (typeof fields)[number], value: string): string | undefined {
  const parts = value.split(',');
  if (parts.some((part) => !/^([*?]|\w+(-\w+)?)(\/\d+)?$/.test(part))) {
    return `"${value}" is no ${name}`;
  }
  const beyond = parts
    .flatMap((part) => part.split('/')[0]?.split('-') ?? [])
    .find((each) => /^\d+$/.test(each) && (Number(each) < least || Number(each) > most));
  return beyond === undefined ? undefined : `the ${name} ${beyond} is not one of ${least} to ${most}`;
}

function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const sentence = text.replace(/^Cron\w*: /, '');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** The first run of an interval comes within this time. */
const soonMs = 300_000;

/**
 * Times that follow one another after `intervalMs`, give or take a tenth. How much is a matter of `seed` and
 * the time before, so that neither a restart nor another replica moves it, and many of them spread.
 */
export function intervalTimetable(intervalMs: number, text: string, seed: string): Timetable {
  const first = ({ since, last }: Followed): number => {
    const afterMs =
      last === undefined
        ? fraction(seed) * Math.min(intervalMs, soonMs)
        : intervalMs * (0.9 + fraction(`${seed} ${since}`) / 5);
    return Math.max(Math.floor(since / 1_000) + 1, Math.round((since + afterMs) / 1_000)) * 1_000;
  };
  const passed = (from: number, now: number): number => Math.floor((now - from) / intervalMs);
  return {
    text: `every ${text}`,
    due: (followed, now) => {
      const from = first(followed);
      return from > now ? undefined : from + passed(from, now) * intervalMs;
    },
    next: (followed, now) => {
      const from = first(followed);
      return from > now ? from : from + (passed(from, now) + 1) * intervalMs;
    },
  };
}

/** From 0 up to, not including, 1; always the same for one text. */
function fraction(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) / 0x1_00_00_00_00_00_00;
}
