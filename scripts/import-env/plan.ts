import type { AttributeChange } from '../../src/schema/index.ts';
import { readSettings } from '../../src/idhub/index.ts';
import { changesOf, compareEntitlementSchema, type SchemaChanges } from './schema.ts';

/** What the file comes to. */
export interface Plan {
  readonly aws: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Entries of the Secret of --idhub-secret. */
  readonly idhub: Readonly<Record<string, string>>;
  readonly schema: readonly AttributeChange[];
  /** Flags of the operator, without their dashes. */
  readonly flags: Readonly<Record<string, string>>;
}

export interface Planned {
  /** Undefined where there are problems. */
  readonly plan: Plan | undefined;
  /** Sentences on what was left out; none quotes a value that may be secret. */
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

/** What the guide's own file has in the place of a value. */
const placeholders: ReadonlyMap<string, string> = new Map([
  ['AWS_ACCESS_KEY', 'awsAccessKey'],
  ['AWS_SECRET_ACCESS_KEY', 'awsSecretAccessKey'],
  ['IDHUB_HOSTNAME', 'domain'],
  ['KEYCLOAK_ACCESS_TOKEN', 'accessToken'],
  ['KEYCLOAK_CLIENT_ID', 'clientId'],
  ['KEYCLOAK_REFRESH_TOKEN', 'refreshToken'],
  ['KEYCLOAK_REALM', 'tenant'],
  ['ACCOUNT_SCHEMA', 'accountSchema'],
  ['ENTITLEMENT_SCHEMA', 'entitlementSchema'],
]);

const needed = [
  'AWS_ACCESS_KEY',
  'AWS_SECRET_ACCESS_KEY',
  'IDHUB_HOSTNAME',
  'KEYCLOAK_CLIENT_ID',
  'KEYCLOAK_REALM',
  'KEYCLOAK_REFRESH_TOKEN',
] as const;

const optional = [
  'ACCOUNT_SCHEMA',
  'BUSINESS_OWNER',
  'CONNECTOR_DEBUG_LEVEL',
  'ENTITLEMENT_SCHEMA',
  'IT_OWNER',
  'KEYCLOAK_ACCESS_TOKEN',
  'PORT',
  'SPLICE_DEBUG_LEVEL',
] as const;

/** The names that the guide's .env has. */
export const knownNames: readonly string[] = [...needed, ...optional].toSorted();

type Name = (typeof needed)[number] | (typeof optional)[number];

/** Java's levels, and this operator's, the most talkative first. */
const levels: readonly (readonly [string, string])[] = [
  ['ALL', 'trace'],
  ['TRACE', 'trace'],
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARN', 'warn'],
  ['WARNING', 'warn'],
  ['ERROR', 'error'],
  ['FATAL', 'error'],
  ['OFF', 'error'],
];

/**
 * Turns the values of a .env file into what this operator needs.
 * @param readSchema gives the text of a schema file, by the path that the value has; undefined where there is none
 */
export function planOf(
  values: ReadonlyMap<string, string>,
  options: { readonly idhubSecret: string; readonly readSchema: (path: string) => string | undefined },
): Planned {
  const warnings: string[] = [];
  const problems: string[] = [];
  for (const name of values.keys()) {
    if (!knownNames.includes(name)) {
      problems.push(`${name} is no name of the guide's .env, which has ${knownNames.join(', ')}`);
    }
  }
  const text = (name: Name): string | undefined => {
    const value = values.get(name)?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  for (const name of needed) {
    const value = text(name);
    if (value === undefined) {
      problems.push(`${name} is missing or empty`);
    } else if (value === placeholders.get(name)) {
      problems.push(`${name} still has the guide's placeholder`);
    } else if (/\s/.test(value)) {
      problems.push(`${name} has a blank or a line end in it: was it copied whole?`);
    }
  }
  if (text('KEYCLOAK_ACCESS_TOKEN') !== undefined) {
    warnings.push('KEYCLOAK_ACCESS_TOKEN is not needed (it expires within minutes) and was left out');
  }
  const schemaOf = (
    name: 'ACCOUNT_SCHEMA' | 'ENTITLEMENT_SCHEMA',
    compare: (document: unknown) => SchemaChanges,
  ): readonly AttributeChange[] => {
    const value = text(name);
    if (value === undefined || value === placeholders.get(name)) {
      return [];
    }
    const document = documentOf(value, options.readSchema);
    if (typeof document === 'string') {
      problems.push(`${name} ${document}`);
      return [];
    }
    const found = compare(document.value);
    warnings.push(...found.warnings.map((each) => `${name}: ${each}`));
    problems.push(...found.problems.map((each) => `${name}: ${each}`));
    return found.changes;
  };
  const schema = schemaOf('ACCOUNT_SCHEMA', changesOf);
  schemaOf('ENTITLEMENT_SCHEMA', compareEntitlementSchema);
  const idhub = {
    hostname: text('IDHUB_HOSTNAME') ?? '',
    realm: text('KEYCLOAK_REALM') ?? '',
    clientId: text('KEYCLOAK_CLIENT_ID') ?? '',
    refreshToken: text('KEYCLOAK_REFRESH_TOKEN') ?? '',
  };
  const flags = flagsOf(text, options.idhubSecret, problems);
  if (problems.length === 0) {
    const settings = readSettings(idhub);
    problems.push(...(settings.kind === 'refused' ? settings.problems : []));
  }
  return {
    plan:
      problems.length > 0
        ? undefined
        : {
            aws: {
              accessKeyId: text('AWS_ACCESS_KEY') ?? '',
              secretAccessKey: text('AWS_SECRET_ACCESS_KEY') ?? '',
            },
            idhub,
            schema,
            flags,
          },
    warnings,
    problems,
  };
}

function flagsOf(
  text: (name: Name) => string | undefined,
  idhubSecret: string,
  problems: string[],
): Readonly<Record<string, string>> {
  const flags: Record<string, string> = { 'idhub-secret': idhubSecret };
  const port = text('PORT');
  if (port !== undefined) {
    flags['http-address'] = `0.0.0.0:${port}`;
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      problems.push('PORT must be a number from 1 to 65535');
    }
  }
  const asked = (['CONNECTOR_DEBUG_LEVEL', 'SPLICE_DEBUG_LEVEL'] as const).flatMap((name) => {
    const value = text(name);
    const at = levels.findIndex(([level]) => level === value?.toUpperCase());
    if (value !== undefined && at < 0) {
      problems.push(`${name} must be one of ${levels.map(([level]) => level).join(', ')}`);
    }
    return at < 0 ? [] : [at];
  });
  const level = levels[Math.min(...asked)]?.[1];
  if (level !== undefined) {
    flags['log-level'] = level;
  }
  const owners = { 'business-owner': text('BUSINESS_OWNER'), 'it-owner': text('IT_OWNER') };
  for (const [flag, owner] of Object.entries(owners)) {
    if (owner !== undefined) {
      flags[flag] = owner;
    }
  }
  return flags;
}

/** A JSON text, or the path of one. A string says what is wrong, and does not quote it. */
function documentOf(
  value: string,
  readSchema: (path: string) => string | undefined,
): { readonly value: unknown } | string {
  const inline = /^[[{]/.test(value);
  const text = inline ? value : readSchema(value);
  if (text === undefined) {
    return 'is neither JSON nor the path of a file that can be read (paths count from where the .env is)';
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return inline ? 'is no JSON' : 'names a file that holds no JSON';
  }
}
