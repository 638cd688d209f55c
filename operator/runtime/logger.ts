import { isNativeError } from 'node:util/types';
import type { Clock } from './clock.ts';

export type LogFields = Readonly<Record<string, unknown>>;

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof levels)[number];

export interface Logger extends Record<LogLevel, (message: string, fields?: LogFields) => void> {
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
  readonly level: LogLevel;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly clock: Pick<Clock, 'now'>;
  /** Values that never appear in a line, wherever they turn up. */
  readonly secrets?: SecretValues;
  /** Takes one line without its end; standard output unless told. */
  readonly write?: (line: string) => void;
}

/** The secret values that a process holds at present; loggers replace them. */
export interface SecretValues {
  /**
   * Values under 8 characters are not registered: replacing them would ruin every line.
   * @param life `passing`: one of many that come and go, such as tokens and passwords of people. Of these the last
   *   5,000 that were added, or added again, are kept, so that neither memory nor the time of a line grows for ever.
   */
  add(value: string, life?: 'passing'): void;
  remove(value: string): void;
  redact(text: string): string;
}

const redacted = '[redacted]';

/** Normalised field names whose values are secret wherever they stand. */
const secretNames =
  /^(?:.*(?:password|passwd|passphrase|secret|secretaccesskey|secretkey|clientsecret|token|cookie|privatekey|credential|credentials)|authorization|proxyauthorization|keydata|clientkeydata|auth|jwt)$/;

/** As the value stands in a JSON text. */
function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

const mostPassing = 5_000;

export function createSecretValues(): SecretValues {
  /** Of each value, how it may stand in a line. */
  const lasting = new Map<string, readonly string[]>();
  const passing = new Map<string, readonly string[]>();
  return {
    add: (value, life) => {
      if (value.length < 8 || lasting.has(value)) {
        return;
      }
      const forms = [...new Set([value, escaped(value)])];
      passing.delete(value);
      (life === 'passing' ? passing : lasting).set(value, forms);
      const [oldest] = passing.keys();
      if (passing.size > mostPassing && oldest !== undefined) {
        passing.delete(oldest);
      }
    },
    remove: (value) => {
      lasting.delete(value);
      passing.delete(value);
    },
    redact: (text) => {
      let clean = text;
      for (const values of [lasting, passing]) {
        for (const form of [...values.values()].flat()) {
          if (clean.includes(form)) {
            clean = clean.replaceAll(form, redacted);
          }
        }
      }
      return clean;
    },
  };
}

const longestText = 8_192;
const deepest = 8;

/** What may be told of an error: never bodies, headers or what hangs on it. */
function describeError(error: Error, withStack: boolean, depth: number): LogFields {
  const { code, reason } = error as { code?: unknown; reason?: unknown };
  return {
    name: error.name,
    message: error.message.slice(0, longestText),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
    ...(isNativeError(error.cause) && depth < deepest
      ? { cause: describeError(error.cause, withStack, depth + 1) }
      : {}),
    ...(withStack && error.stack !== undefined ? { stack: error.stack.slice(0, longestText) } : {}),
  };
}

/** A copy fit for a line: plain, bounded, without secrets. */
function plain(name: string, value: unknown, withStack: boolean, depth: number): unknown {
  if (
    secretNames.test(name.toLowerCase().replaceAll(/[^a-z]/g, '')) &&
    typeof value !== 'boolean' &&
    value !== undefined &&
    value !== null
  ) {
    return redacted;
  }
  switch (typeof value) {
    case 'string':
      return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
    case 'bigint':
    case 'symbol':
      return value.toString();
    case 'function':
    case 'undefined':
      return undefined;
    case 'boolean':
    case 'number':
      return value;
    case 'object':
      break;
  }
  if (value === null) {
    return null;
  }
  if (isNativeError(value)) {
    return describeError(value, withStack, 0);
  }
  if (value instanceof Date) {
    return value.toJSON();
  }
  if (depth >= deepest) {
    return '…';
  }
  if (Array.isArray(value)) {
    return value.slice(0, 100).map((one) => plain('', one, withStack, depth + 1));
  }
  const entries: [string, unknown][] =
    value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)
      ? [['type', value.constructor.name]]
      : Object.entries(value);
  return Object.fromEntries(
    entries.slice(0, 100).map(([key, one]) => [key, plain(key, one, withStack, depth + 1)]),
  );
}

/**
 * A logger of one JSON object a line: `time`, `level`, `msg`, then the fields. Fields with a
 * secret's name and registered secret values are replaced, in errors and their causes too; errors
 * become name, message, code and reason, with their stack only at level debug or below. Never throws.
 */
export function createLogger(options: LoggerOptions): Logger {
  const threshold = levels.indexOf(options.level);
  const write = options.write ?? ((line: string): void => void process.stdout.write(`${line}\n`));
  const withStack = threshold <= levels.indexOf('debug');
  const make = (bound: LogFields): Logger => {
    const log =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (levels.indexOf(level) < threshold) {
          return;
        }
        let line: string;
        try {
          const rest = plain('', { ...bound, ...fields }, withStack, 0) as LogFields;
          const time = new Date(options.clock.now()).toISOString();
          line = JSON.stringify({ time, level, msg: message, ...rest });
        } catch {
          line = JSON.stringify({ level, msg: message, unloggable: true });
        }
        write(options.secrets?.redact(line) ?? line);
      };
    return {
      level: options.level,
      child: (fields) => make({ ...bound, ...fields }),
      trace: log('trace'),
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
    };
  };
  return make({});
}
