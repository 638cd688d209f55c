import type { Clock } from './clock.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface Logger extends Record<LogLevel, (message: string, fields?: LogFields) => void> {
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
  readonly level: LogLevel;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line without its end; standard output unless told. */
  readonly write?: (line: string) => void;
}
