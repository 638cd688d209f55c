import type { OpenApiDocument } from '../runtime/index.ts';
import { fieldsOf, type Field, type Fields } from './fields.ts';

/** A kind as this version of the operator needs it. */
export interface NeededKind {
  /** Name of its CustomResourceDefinition. */
  readonly crd: string;
  readonly kind: string;
  readonly plural: string;
  readonly fields: Fields;
}

/** What is needed of one group and version. */
export interface Needed {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly NeededKind[];
}

export interface Difference {
  /** Paths of fields. */
  readonly lacking: readonly string[];
  /** What is less than is needed in what is there, in words: `requires spec.path`. */
  readonly narrower: readonly string[];
}

/** In what the API server serves less than is needed; both empty where it does not. */
export interface Shortfall {
  /** Names of definitions that are not served at all. */
  readonly absent: readonly string[];
  /** By the name of the definition. */
  readonly outdated: ReadonlyMap<string, Difference>;
}

/**
 * What is missing or narrower in what is served. More than is needed is fine: definitions of a later version. Pure.
 * @param document undefined where nothing is served of the group and version
 */
export function shortfallOf(needed: Needed, document: OpenApiDocument | undefined): Shortfall {
  const { group, version, kinds } = needed;
  const schemas = Object.values(document?.components?.schemas ?? {});
  const absent: string[] = [];
  const outdated = new Map<string, Difference>();
  for (const { crd, kind, plural, fields } of kinds) {
    const schema = schemas.find((each) =>
      each['x-kubernetes-group-version-kind']?.some(
        (named) => named.group === group && named.version === version && named.kind === kind,
      ),
    );
    if (schema === undefined) {
      absent.push(crd);
      continue;
    }
    const status = `/apis/${group}/${version}/namespaces/{namespace}/${plural}/{name}/status`;
    const { lacking, narrower } = differenceOf(fields, fieldsOf(schema));
    if (document?.paths?.[status] === undefined) {
      narrower.push('has no subresource status');
    }
    if (lacking.length + narrower.length > 0) {
      outdated.set(crd, { lacking, narrower });
    }
  }
  return { absent, outdated };
}

function differenceOf(needed: Fields, served: Fields): { lacking: string[]; narrower: string[] } {
  const lacking: string[] = [];
  const narrower: string[] = [];
  for (const [path, field] of Object.entries(needed)) {
    const there = served[path];
    if (there !== undefined) {
      narrower.push(...narrowings(path, field, there));
      continue;
    }
    // What is in a field that is missing goes without saying; what is in an open one is kept, to any depth.
    const parents = parentsOf(path);
    if (!parents.some((parent) => lacking.includes(parent) || served[parent]?.open === true)) {
      lacking.push(path);
    }
  }
  return { lacking, narrower };
}

/** The path of the field that it is in, and so on to the top. */
function parentsOf(path: string): readonly string[] {
  const parent = path.replace(/(\.[^.[\]]+|\[\])$/, '');
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}

function narrowings(path: string, needed: Field, served: Field): readonly string[] {
  const said: string[] = [];
  if (served.type !== needed.type && served.type !== undefined && !widens(needed.type, served.type)) {
    return [`has ${path} as ${served.type}, not ${needed.type ?? 'any type'}`];
  }
  if (served.format !== undefined && served.format !== needed.format) {
    said.push(
      `has ${path} as ${served.format}${needed.format === undefined ? '' : `, not ${needed.format}`}`,
    );
  }
  if (served.enum !== undefined) {
    const refused = needed.enum?.filter((value) => !served.enum?.includes(value));
    if (refused === undefined || refused.length > 0) {
      said.push(`does not take ${refused === undefined ? 'any value' : refused.join(', ')} in ${path}`);
    }
  }
  const required = (served.required ?? []).filter((name) => needed.required?.includes(name) !== true);
  said.push(...required.map((name) => `requires ${path}.${name}`));
  for (const [limit, unit] of most) {
    const [bound, wanted] = [served[limit], needed[limit] ?? Infinity];
    if (bound !== undefined && bound < wanted) {
      said.push(`takes ${bound} ${unit}at most in ${path}${wanted === Infinity ? '' : `, not ${wanted}`}`);
    }
  }
  for (const [limit, unit] of least) {
    const [bound, wanted] = [served[limit], needed[limit] ?? -Infinity];
    if (bound !== undefined && bound > wanted && !(limit !== 'minimum' && bound <= 0)) {
      said.push(`takes ${bound} ${unit}at least in ${path}${wanted === -Infinity ? '' : `, not ${wanted}`}`);
    }
  }
  if (needed.nullable === true && served.nullable !== true) {
    said.push(`does not take null in ${path}`);
  }
  if (needed.open === true && served.open !== true) {
    said.push(`does not keep what is in ${path}`);
  }
  if (needed.list !== undefined && served.list !== needed.list) {
    said.push(`merges the list ${path} as ${served.list ?? 'atomic'}, not ${needed.list}`);
  }
  return said;
}

const most = [
  ['maxLength', 'characters '],
  ['maxItems', 'items '],
  ['maxProperties', 'entries '],
  ['maximum', ''],
] as const;

const least = [
  ['minLength', 'characters '],
  ['minItems', 'items '],
  ['minProperties', 'entries '],
  ['minimum', ''],
] as const;

/** Whether every value of the one type is one of the other. */
function widens(needed: string | undefined, served: string): boolean {
  return (
    (needed === 'integer' && (served === 'number' || served === 'integer or string')) ||
    (needed === 'string' && served === 'integer or string')
  );
}

/** So many differences of one definition are named, the rest is counted. */
const named = 3;

/** What to do, too. Undefined where nothing is short. Pure. */
export function sentenceOf(needed: Needed, { absent, outdated }: Shortfall): string | undefined {
  const remedy = `apply the CRDs of this version: helm upgrade, or kubectl apply --server-side --force-conflicts -f crds/`;
  if (absent.length === needed.kinds.length) {
    return `CRDs not installed: ${needed.group}/${needed.version} is not served; ${remedy}`;
  }
  const parts = [
    ...absent.map((crd) => `${crd} is not served in ${needed.version}`),
    ...[...outdated].map(([crd, difference]) => `${crd} ${shortened(difference)}`),
  ];
  return parts.length === 0 ? undefined : `CRD out of date: ${parts.join('; ')}; ${remedy}`;
}

/** `lacks spec.a, status.b, requires spec.c (and 2 more)` */
function shortened({ lacking, narrower }: Difference): string {
  const lacks = lacking.slice(0, named);
  const shown = [
    ...(lacks.length > 0 ? [`lacks ${lacks.join(', ')}`] : []),
    ...narrower.slice(0, named - lacks.length),
  ];
  const more = lacking.length + narrower.length - named;
  return `${shown.join(', ')}${more > 0 ? ` (and ${more} more)` : ''}`;
}
