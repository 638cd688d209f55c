import { expect, test } from '@jest/globals';
import { sentenceOf, shortfallOf, type Needed } from '../../../operator/definitions/compare.ts';
import { fieldsOf, type Fields } from '../../../operator/definitions/fields.ts';
import { neededDefinitions } from '../../../operator/definitions/index.ts';
import type { OpenApiDocument, OpenApiSchema } from '../../../operator/runtime/index.ts';

const group = 'aws.idhub.io';
const version = 'v1alpha1';
const gizmos = { crd: `gizmos.${group}`, kind: 'Gizmo', plural: 'gizmos' };

type Part = Readonly<Record<string, OpenApiSchema>>;

/** The schema of a kind with these fields in `spec`. */
function schemaOf(spec: Part, status: Part = {}): OpenApiSchema {
  return {
    type: 'object',
    properties: {
      metadata: { type: 'object' },
      spec: { type: 'object', properties: spec },
      status: { type: 'object', properties: status },
    },
  };
}

function served(schema: OpenApiSchema, { kind = 'Gizmo', status = true } = {}): OpenApiDocument {
  const path = `/apis/${group}/${version}/namespaces/{namespace}/gizmos/{name}`;
  return {
    paths: { [path]: {}, ...(status ? { [`${path}/status`]: {} } : {}) },
    components: {
      schemas: {
        [`io.idhub.aws.${version}.${kind}`]: {
          ...schema,
          'x-kubernetes-group-version-kind': [{ group, version, kind }],
        },
        'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object' },
      },
    },
  };
}

const needed = (fields: Fields): Needed => ({ group, version, kinds: [{ ...gizmos, fields }] });

/** What is said of the one kind, where `there` is served and `wanted` is needed. */
function said(wanted: OpenApiSchema, there: OpenApiSchema): readonly string[] {
  const { absent, outdated } = shortfallOf(needed(fieldsOf(wanted)), served(there));
  expect(absent).toEqual([]);
  const { lacking = [], narrower = [] } = outdated.get(gizmos.crd) ?? {};
  return [...lacking.map((path) => `lacks ${path}`), ...narrower];
}

const text: OpenApiSchema = { type: 'string' };
const list = (items: OpenApiSchema, more: OpenApiSchema = {}): OpenApiSchema => ({
  type: 'array',
  items,
  ...more,
});
const object = (properties: Part, more: OpenApiSchema = {}): OpenApiSchema => ({
  type: 'object',
  properties,
  ...more,
});

test.each<{ name: string; needs: OpenApiSchema | undefined; has: OpenApiSchema | undefined; says: string[] }>(
  [
    { name: 'the same', needs: text, has: text, says: [] },
    { name: 'a field', needs: text, has: undefined, says: ['lacks spec.a'] },
    { name: 'one more field', needs: undefined, has: text, says: [] },
    {
      name: 'a field in a field, of which the upper one is named',
      needs: object({ b: object({ c: text }) }),
      has: object({}),
      says: ['lacks spec.a.b'],
    },
    {
      name: 'a field in an item of a list',
      needs: list(object({ b: text })),
      has: list(object({})),
      says: ['lacks spec.a[].b'],
    },
    {
      name: 'values of a map',
      needs: { type: 'object', additionalProperties: text },
      has: object({ b: text }),
      says: ['lacks spec.a.*'],
    },
    {
      name: 'values of a map, narrower',
      needs: { type: 'object', additionalProperties: { ...text, maxLength: 20 } },
      has: { type: 'object', additionalProperties: { ...text, maxLength: 10 } },
      says: ['takes 10 characters at most in spec.a.*, not 20'],
    },
    {
      name: 'whatever is kept in an open field, to any depth',
      needs: object({ b: object({ c: text }) }),
      has: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      says: [],
    },
    {
      name: 'an open field',
      needs: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      has: { type: 'object' },
      says: ['does not keep what is in spec.a'],
    },
    {
      name: 'another type',
      needs: { type: 'integer' },
      has: text,
      says: ['has spec.a as string, not integer'],
    },
    {
      name: 'a narrower number',
      needs: { type: 'number' },
      has: { type: 'integer' },
      says: ['has spec.a as integer, not number'],
    },
    { name: 'a wider number', needs: { type: 'integer' }, has: { type: 'number' }, says: [] },
    {
      name: 'integer or string for either',
      needs: text,
      has: { 'x-kubernetes-int-or-string': true },
      says: [],
    },
    {
      name: 'a string for integer or string',
      needs: { 'x-kubernetes-int-or-string': true },
      has: text,
      says: ['has spec.a as string, not integer or string'],
    },
    {
      name: 'a format that is not asked for',
      needs: text,
      has: { ...text, format: 'date-time' },
      says: ['has spec.a as date-time'],
    },
    {
      name: 'another format',
      needs: { type: 'integer', format: 'int64' },
      has: { type: 'integer', format: 'int32' },
      says: ['has spec.a as int32, not int64'],
    },
    { name: 'no format', needs: { ...text, format: 'date-time' }, has: text, says: [] },
    {
      name: 'a value of an enumeration',
      needs: { ...text, enum: ['A', 'B', 'C'] },
      has: { ...text, enum: ['A', 'D'] },
      says: ['does not take B, C in spec.a'],
    },
    {
      name: 'one more value',
      needs: { ...text, enum: ['A'] },
      has: { ...text, enum: ['A', 'B'] },
      says: [],
    },
    { name: 'no enumeration any more', needs: { ...text, enum: ['A'] }, has: text, says: [] },
    {
      name: 'an enumeration where any value is needed',
      needs: text,
      has: { ...text, enum: ['A'] },
      says: ['does not take any value in spec.a'],
    },
    {
      name: 'a field that has to be there',
      needs: object({ b: text, c: text }, { required: ['c'] }),
      has: object({ b: text, c: text }, { required: ['b', 'c'] }),
      says: ['requires spec.a.b'],
    },
    {
      name: 'one less that has to be there',
      needs: object({ b: text }, { required: ['b'] }),
      has: object({ b: text }),
      says: [],
    },
    {
      name: 'a longest where none is needed',
      needs: text,
      has: { ...text, maxLength: 5 },
      says: ['takes 5 characters at most in spec.a'],
    },
    {
      name: 'a longer longest',
      needs: { ...text, maxLength: 5 },
      has: { ...text, maxLength: 6 },
      says: [],
    },
    {
      name: 'fewer items',
      needs: list(text, { maxItems: 40 }),
      has: list(text, { maxItems: 20 }),
      says: ['takes 20 items at most in spec.a, not 40'],
    },
    {
      name: 'fewer entries',
      needs: { type: 'object', additionalProperties: text, maxProperties: 48 },
      has: { type: 'object', additionalProperties: text, maxProperties: 40 },
      says: ['takes 40 entries at most in spec.a, not 48'],
    },
    {
      name: 'a higher least number and a lower greatest',
      needs: { type: 'integer', minimum: 0, maximum: 9 },
      has: { type: 'integer', minimum: 1, maximum: 8 },
      says: ['takes 8 at most in spec.a, not 9', 'takes 1 at least in spec.a, not 0'],
    },
    {
      name: 'a least number of 0 where negative ones are needed',
      needs: { type: 'integer' },
      has: { type: 'integer', minimum: 0 },
      says: ['takes 0 at least in spec.a'],
    },
    { name: 'a shortest of nothing', needs: text, has: { ...text, minLength: 0 }, says: [] },
    {
      name: 'a shortest',
      needs: text,
      has: { ...text, minLength: 1 },
      says: ['takes 1 characters at least in spec.a'],
    },
    {
      name: 'null',
      needs: { ...text, nullable: true },
      has: text,
      says: ['does not take null in spec.a'],
    },
    {
      name: 'a list that is merged otherwise',
      needs: list(object({ b: text }), {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['b'],
      }),
      has: list(object({ b: text })),
      says: ['merges the list spec.a as atomic, not map b'],
    },
  ],
)('$name', ({ needs, has, says }) => {
  const part = (field: OpenApiSchema | undefined): Part => (field === undefined ? {} : { a: field });
  expect(said(schemaOf(part(needs)), schemaOf(part(has)))).toEqual(says);
});

test('spec and status as a whole', () => {
  const whole = schemaOf({ a: text }, { b: text });
  expect(said(whole, { type: 'object', properties: {} })).toEqual(['lacks spec', 'lacks status']);
});

test('the subresource status', () => {
  const schema = schemaOf({ a: text });
  const { outdated } = shortfallOf(needed(fieldsOf(schema)), served(schema, { status: false }));
  expect(outdated.get(gizmos.crd)).toEqual({ lacking: [], narrower: ['has no subresource status'] });
});

test('a kind of another version or group is none', () => {
  const schema = schemaOf({ a: text });
  const wanted = needed(fieldsOf(schema));
  expect(shortfallOf({ ...wanted, version: 'v1' }, served(schema)).absent).toEqual([gizmos.crd]);
  expect(shortfallOf({ ...wanted, group: 'example.org' }, served(schema)).absent).toEqual([gizmos.crd]);
  expect(shortfallOf(wanted, served(schema, { kind: 'Widget' })).absent).toEqual([gizmos.crd]);
});

const remedy =
  'apply the CRDs of this version: helm upgrade, or kubectl apply --server-side --force-conflicts -f crds/';

test('the sentence names three differences of a definition, fields first, and counts the rest', () => {
  const wanted = needed(
    fieldsOf(
      schemaOf({ a: text, b: { ...text, enum: ['X'] }, c: text }, { d: { type: 'integer' }, e: text }),
    ),
  );
  const there = served(schemaOf({ b: { ...text, enum: ['Y'] } }, { d: text }));
  expect(sentenceOf(wanted, shortfallOf(wanted, there))).toBe(
    `CRD out of date: gizmos.${group} lacks spec.a, spec.c, status.e (and 2 more); ${remedy}`,
  );
  const nearly = served(schemaOf({ a: text, b: { ...text, enum: ['Y'] }, c: text }, { d: text }));
  expect(sentenceOf(wanted, shortfallOf(wanted, nearly))).toBe(
    `CRD out of date: gizmos.${group} lacks status.e, does not take X in spec.b, has status.d as string, not integer; ${remedy}`,
  );
  expect(sentenceOf(wanted, { absent: [], outdated: new Map() })).toBeUndefined();
});

test('nothing there, one of them not there', () => {
  const wanted = { ...neededDefinitions };
  expect(sentenceOf(wanted, shortfallOf(wanted, undefined))).toBe(
    `CRDs not installed: aws.idhub.io/v1alpha1 is not served; ${remedy}`,
  );
  expect(sentenceOf(wanted, shortfallOf(wanted, { paths: {}, components: { schemas: {} } }))).toBe(
    `CRDs not installed: aws.idhub.io/v1alpha1 is not served; ${remedy}`,
  );
  expect(
    sentenceOf(wanted, {
      absent: ['awsreconciliations.aws.idhub.io'],
      outdated: new Map([['awsaccounts.aws.idhub.io', { lacking: ['status.x'], narrower: [] }]]),
    }),
  ).toBe(
    `CRD out of date: awsreconciliations.aws.idhub.io is not served in v1alpha1; awsaccounts.aws.idhub.io lacks status.x; ${remedy}`,
  );
});

test('what is generated has the fields that the operator writes', () => {
  const names = neededDefinitions.kinds.map(({ crd }) => crd);
  expect(names).toEqual(
    ['awsaccounts', 'awsconnections', 'awsentitlementbindings', 'awsreconciliations'].map(
      (plural) => `${plural}.aws.idhub.io`,
    ),
  );
  for (const { fields } of neededDefinitions.kinds) {
    expect(fields['status.conditions']?.list).toBe('map type');
    expect(
      fields['spec.connectionRef.name'] ?? fields['spec.credentials'] ?? fields['spec.accountRef.name'],
    ).toBeDefined();
  }
  expect(neededDefinitions.kinds[0]?.fields['spec.enabled']).toEqual({ type: 'boolean' });
});
