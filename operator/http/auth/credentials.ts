import { createHash, timingSafeEqual } from 'node:crypto';
import type { ConnectionName } from '../../../src/idhub/index.ts';
import type { Caller } from '../frame/index.ts';
import type { Shown } from './header.ts';

/** Shorter ones can be guessed, and an empty one is none at all. */
const shortest = { basic: 8, token: 16 } as const;
const longestName = 200;

/** The callers that a Secret names. */
export interface Credentials {
  /** How many entries somebody can come in with. */
  readonly size: number;
  /** Looks at all of them, whatever comes, and always as long. */
  match(shown: Shown): Caller | undefined;
  /** What must not be in any log. */
  readonly secrets: readonly string[];
  /** Sentences on entries that let nobody in; they name the entry and no value. */
  readonly problems: readonly string[];
}

interface Entry {
  readonly kind: 'basic' | 'bearer';
  readonly digest: Buffer;
  readonly caller: Caller;
}

/**
 * Reads `basic.<n>` (`user:password`), `token.<n>` (a bearer token) and `connections.<n>` (what the caller of
 * `<n>` may use: `namespace/name`, `namespace/*` or `*`, with commas, spaces or new lines between; all where there
 * is no such entry). One end of line at the end of a value is not part of it.
 * @param data Base64, as in a Secret
 */
export function readCredentials(data: Readonly<Record<string, string>>): Credentials {
  const entries: Entry[] = [];
  const problems: string[] = [];
  const secrets: string[] = [];
  const names = new Set<string>();
  for (const [key, encoded] of Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [, kind, name = ''] = /^(basic|token|connections)\.(.+)$/.exec(key) ?? [];
    const value = withoutEnd(Buffer.from(encoded, 'base64'));
    if (kind === undefined) {
      problems.push(`"${key}" is none of basic.<n>, token.<n> and connections.<n>`);
      continue;
    }
    if (kind === 'connections') {
      continue;
    }
    const read = kind === 'basic' ? readBasic(key, value) : readToken(key, value);
    if ('problem' in read) {
      problems.push(`"${key}" ${read.problem}`);
      continue;
    }
    const allowed = readAllowed(data[`connections.${name}`]);
    if (allowed === undefined) {
      problems.push(
        `"connections.${name}" is no list of namespace/name, namespace/* or *: "${key}" may use no connection`,
      );
    }
    names.add(name);
    secrets.push(...read.secrets);
    entries.push({
      kind: kind === 'basic' ? 'basic' : 'bearer',
      digest: digestOf(value),
      caller: { name: read.name, may: (connection) => allowed?.(connection) ?? false },
    });
  }
  for (const key of Object.keys(data)) {
    const [, name] = /^connections\.(.+)$/.exec(key) ?? [];
    if (name !== undefined && name !== oidcEntry && !names.has(name)) {
      problems.push(`"${key}" belongs to no basic.${name} and no token.${name}`);
    }
  }
  return {
    size: entries.length,
    match: (shown) => {
      const digest = digestOf(shown.kind === 'none' ? Buffer.alloc(0) : shown.value);
      let found: Caller | undefined;
      for (const entry of entries) {
        const same = timingSafeEqual(entry.digest, digest);
        if (same && entry.kind === shown.kind) {
          found = entry.caller;
        }
      }
      return found;
    },
    secrets,
    problems,
  };
}

/** `connections.oidc` is for callers with a token of the issuer. */
const oidcEntry = 'oidc';

/**
 * What callers with a token of the issuer may use; undefined where the Secret does not say. Their credentials are
 * not in the Secret: where it is lost, or this entry of it, they could still come in, and must not get more than before.
 */
export function oidcMay(
  data: Readonly<Record<string, string>>,
): ((connection: ConnectionName) => boolean) | undefined {
  const allowed = data[`connections.${oidcEntry}`];
  return allowed === undefined ? undefined : (readAllowed(allowed) ?? (() => false));
}

type Read = { readonly name: string; readonly secrets: readonly string[] } | { readonly problem: string };

function readBasic(key: string, value: Buffer): Read {
  const text = value.toString('utf8');
  const colon = text.indexOf(':');
  const password = text.slice(colon + 1);
  if (colon < 1) {
    return { problem: 'is not user:password' };
  }
  if (password.length < shortest.basic) {
    return { problem: `has a password of fewer than ${shortest.basic} characters` };
  }
  const user = text.slice(0, colon);
  return {
    name: /^[\x21-\x7e]+$/.test(user) && user.length <= longestName ? user : key,
    secrets: [password, value.toString('base64')],
  };
}

function readToken(key: string, value: Buffer): Read {
  const token = value.toString('latin1');
  if (token.length < shortest.token) {
    return { problem: `has fewer than ${shortest.token} characters` };
  }
  if (!/^[\w.~+/-]+={0,2}$/.test(token)) {
    return { problem: 'has characters that no bearer token has (RFC 6750: letters, digits, -._~+/)' };
  }
  return { name: key, secrets: [token] };
}

/** Undefined where the list makes no sense, or is empty: then nothing is allowed. */
function readAllowed(encoded: string | undefined): ((connection: ConnectionName) => boolean) | undefined {
  if (encoded === undefined) {
    return () => true;
  }
  const parts = Buffer.from(encoded, 'base64')
    .toString('utf8')
    .split(/[\s,]+/)
    .filter((part) => part !== '');
  const sound = parts.every((part) => part === '*' || /^[a-z0-9-]+\/(\*|[a-z0-9.-]+)$/.test(part));
  if (parts.length === 0 || !sound) {
    return undefined;
  }
  const all = new Set(parts);
  return ({ namespace, name }) =>
    all.has('*') || all.has(`${namespace}/*`) || all.has(`${namespace}/${name}`);
}

/** `kubectl create secret --from-file` keeps the end of the line that editors write. */
function withoutEnd(value: Buffer): Buffer {
  const end = value.at(-1) === 0x0a ? (value.at(-2) === 0x0d ? 2 : 1) : 0;
  return value.subarray(0, value.length - end);
}

function digestOf(value: Buffer): Buffer {
  return createHash('sha256').update(value).digest();
}
