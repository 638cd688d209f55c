import type { Random } from '../chaos/random.ts';
import {
  accountBody,
  bulkBody,
  filterText,
  groupBody,
  operationBody,
  patchBody,
  runBody,
  searchBody,
  userBody,
  type Known,
} from './bodies.ts';
import { mutated, oddValue, spoiled } from './values.ts';

/** A request as bytes. */
export interface FuzzRequest {
  /** For people who look into a failure: method and target. */
  readonly line: string;
  readonly bytes: Buffer;
  /** As long as it says: it has an answer that is not about its end. */
  readonly whole: boolean;
}

export interface FuzzOptions {
  readonly random: Random;
  readonly known: Known;
  readonly authorization: string;
  /** `namespace/name` of the connection. */
  readonly connection: string;
}

type Body = (random: Random, known: Known) => unknown;
interface Target {
  readonly path: string;
  readonly methods: readonly string[];
  readonly body?: Body;
}

const scim = '/scim/v2';
const webhook = '/webhook/v1';

/** What there is, and a little beside it. */
function targets(random: Random, { users, groups, entitlements }: Known): readonly Target[] {
  const id = (all: readonly string[]): string =>
    random.weighted([
      [6, random.pick(all)],
      [1, 'AIDANOTHING'],
      [1, encodedOdd(random, 500) || 'x'],
    ]);
  const any = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];
  return [
    { path: `${scim}/Users`, methods: ['GET', 'POST', 'POST'], body: userBody },
    {
      path: `${scim}/Users/${id(users)}`,
      methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
      body: random.pick([userBody, patchBody]),
    },
    { path: `${scim}/Account`, methods: ['GET', 'POST', 'POST'], body: accountBody },
    {
      path: `${scim}/Account/${id(users)}`,
      methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
      body: random.pick([accountBody, patchBody]),
    },
    { path: `${scim}/Groups`, methods: any, body: groupBody },
    {
      path: `${scim}/Groups/${id(groups)}`,
      methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
      body: random.pick([groupBody, patchBody]),
    },
    { path: `${scim}/Entitlement`, methods: any, body: accountBody },
    { path: `${scim}/Entitlement/${id(entitlements)}`, methods: any, body: patchBody },
    { path: `${scim}/Bulk`, methods: ['POST', 'POST', 'POST', 'GET'], body: bulkBody },
    {
      path: `${scim}${random.pick(['', '/Users', '/Account', '/Groups', '/Entitlement'])}/.search`,
      methods: ['POST', 'POST', 'GET'],
      body: searchBody,
    },
    {
      path: `${scim}/${random.pick(['Schemas', 'ResourceTypes', 'ServiceProviderConfig', 'Me', '', 'Schemas/x', 'ResourceTypes/User'])}`,
      methods: any,
      body: userBody,
    },
    { path: `${webhook}/operations`, methods: ['POST', 'POST', 'GET'], body: operationBody },
    { path: `${webhook}/operations/${id(['op-1', 'op-2'])}`, methods: any, body: operationBody },
    { path: `${webhook}/reconciliations`, methods: ['POST', 'GET'], body: runBody },
    { path: `${webhook}/reconciliations/${id(['run-1'])}`, methods: any, body: runBody },
    { path: `/connector/${random.pick(['health', 'test', 'metadata', 'x'])}`, methods: any, body: userBody },
    {
      path: `/${random.pick(['openapi.json', 'openapi', 'openapi.yaml', 'reports/a/b', 'reports', '', 'metrics', 'healthz'])}`,
      methods: any,
      body: userBody,
    },
  ];
}

/** Of an odd value, percent-encoded. */
function encodedOdd(random: Random, most: number): string {
  const value = oddValue(random);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return encodeURIComponent(text.slice(0, most).toWellFormed());
}

function queryOf(random: Random): string {
  const pairs = Array.from({ length: random.int(0, 3) }, () =>
    random.pick([
      () => `filter=${encodeURIComponent(filterText(random))}`,
      () => `startIndex=${encodeURIComponent(String(random.pick([1, 0, -5, 'x', 1e20, ''])))}`,
      () => `count=${encodeURIComponent(String(random.pick([0, 1, 100, -1, 'x', 1e20])))}`,
      () =>
        `sortBy=${random.pick(['userName', 'id', 'emails.value', 'nothing', '%00', ''])}&sortOrder=${random.pick(['ascending', 'descending', 'x'])}`,
      () =>
        `attributes=${random.pick(['userName', 'emails.value,name', 'password', ',,,', 'urn:x:y', '%ff'])}`,
      () => `excludedAttributes=${random.pick(['id', 'emails', 'schemas', ''])}`,
      () => `${encodedOdd(random, 200)}=${encodedOdd(random, 200)}`,
      () => '__proto__=1&constructor[prototype]=2',
      () => '%zz=%',
    ])(),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** One more request of a seeded sequence; most come far, some not past the parser of heads. */
export function fuzzRequest({ random, known, authorization, connection }: FuzzOptions): FuzzRequest {
  const target = random.pick(targets(random, known));
  const prefix = random.weighted([
    [6, ''],
    [3, `/connections/${connection}`],
    [0.3, '/connections/none/none'],
    [0.2, '/connections/%2e%2e/x'],
  ]);
  const method = random.weighted([
    [14, random.pick(target.methods)],
    [1, random.pick(['OPTIONS', 'TRACE', 'PROPFIND', 'get', 'X', 'DELETE', 'PATCH'])],
  ]);
  const path = random.chance(0.03)
    ? target.path.replaceAll('/', random.pick(['//', '/./', '/%2f', '\\']))
    : target.path;
  const line = `${method} ${prefix}${path}${queryOf(random)} HTTP/1.1`;
  const withBody = method !== 'GET' && method !== 'HEAD' && target.body !== undefined && random.chance(0.95);
  const body = withBody ? bodyOf(random, target.body?.(random, known)) : Buffer.alloc(0);
  const type = random.weighted([
    [12, path.startsWith(scim) ? 'application/scim+json' : 'application/json'],
    [1, 'application/json; charset=utf-8'],
    [
      1,
      random.pick([
        'text/plain',
        'application/xml',
        '',
        'application/json;;',
        'multipart/form-data; boundary=x',
      ]),
    ],
  ]);
  const sound = random.chance(0.96);
  const head = [
    line,
    `host: ${random.pick(['a', 'evil.test', '', '[::1]:1'])}`,
    'connection: close',
    `x-forwarded-for: 198.51.${random.int(0, 255)}.${random.int(0, 255)}`,
    ...(random.chance(0.96)
      ? [`authorization: ${authorization}`]
      : [random.pick(['authorization: Bearer ', 'authorization: Basic ===', 'x: y'])]),
    ...(withBody ? [`content-type: ${type}`] : []),
    ...(random.chance(0.05)
      ? [`if-match: ${random.pick(['*', '"x"', 'W/"x"', '"', 'x,,', '"a", "b"'])}`]
      : []),
    ...(random.chance(0.05) ? [`if-none-match: ${random.pick(['*', '"x"', 'W/'])}`] : []),
    ...(random.chance(0.03)
      ? [
          random.pick([
            'content-encoding: gzip',
            'expect: 100-continue',
            'expect: x',
            'upgrade: websocket',
            'x-forwarded-host: evil.test',
            'x-forwarded-for: ,,,',
            'accept: text/html',
            'range: bytes=0-',
          ]),
        ]
      : []),
    ...lengthOf(random, body, sound),
  ];
  const bytes = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
  return {
    line: line.slice(0, 300),
    bytes: sound || random.chance(0.5) ? bytes : spoiled(random, bytes.toString('latin1')),
    whole: sound,
  };
}

function bodyOf(random: Random, value: unknown): Buffer {
  const text = JSON.stringify(mutated(random, value, random.pick([0, 0.01, 0.04, 0.2]))) ?? '';
  return random.chance(0.1) ? spoiled(random, text) : Buffer.from(text);
}

/** How long the body is, if that is to be sound. */
function lengthOf(random: Random, body: Buffer, sound: boolean): readonly string[] {
  if (!sound) {
    return [
      random.pick([
        'content-length: 5',
        'content-length: -1',
        'content-length: x',
        'content-length: 99999999999',
        'transfer-encoding: chunked',
        'transfer-encoding: gzip',
        'content-length: 1\r\ncontent-length: 2',
      ]),
    ];
  }
  return body.length === 0 && random.chance(0.5) ? [] : [`content-length: ${body.length}`];
}
