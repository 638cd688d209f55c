import type { AwsAccount, AwsEntitlementBinding } from '../../../operator/api/v1alpha1/index.ts';

type Spec = AwsAccount['spec'];

/** What is declared of an account: the fields that chaos sets, all of them. */
export interface Declaration {
  readonly userName: string;
  readonly path: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly permissionsBoundary: string | undefined;
  readonly deletionPolicy: NonNullable<Spec['deletionPolicy']>;
  readonly onExternalDelete: NonNullable<Spec['onExternalDelete']>;
}

/** What a person can be given by an AwsEntitlementBinding each; nobody else gives these. */
export const edges = {
  readers: { type: 'Group', name: 'readers' },
  writers: { type: 'Group', name: 'writers' },
  audit: { type: 'AwsManagedPolicy', name: 'SecurityAudit' },
} as const;
export type Edge = keyof typeof edges;

/** An AwsAccount object as chaos knows it: what it declared, and what others did to its user. */
export interface Person {
  /** The object's name. */
  readonly name: string;
  declared: Declaration;
  /** Every IAM name that it ever declared. */
  readonly names: string[];
  /** The annotation `aws.idhub.io/disabled-by`; empty: none. */
  disabledBy: string;
  /** `deleted`: the object was deleted, or is on its way out. */
  state: 'live' | 'deleted';
  /** How often an object of this name was made. */
  incarnations: number;
  /** How often it was declared to be disabled. */
  disables: number;
  /** An IAM name of it was given to somebody else after a rename: its user must not keep that name. */
  nameGivenAway: boolean;
  /** Has neither an access key nor bindings from here: whom others can delete in one call. */
  readonly plain: boolean;
  /** Its bindings that there are. */
  readonly bound: Set<Edge>;
  /** Unique ids of users of it that others deleted in AWS. */
  readonly deletedOutside: Set<string>;
}

export function isEnabled(person: Person): boolean {
  return person.declared.enabled && person.disabledBy === '';
}

/** Others deleted its user and it is not to be made again. */
export function isHeld(person: Person): boolean {
  return person.deletedOutside.size > 0 && person.declared.onExternalDelete === 'Hold';
}

/** What the object says, for its creation. */
export function manifestOf(person: Person, namespace: string): AwsAccount {
  const { permissionsBoundary, ...rest } = person.declared;
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: { namespace, name: person.name },
    spec: {
      connectionRef: { name: 'aws' },
      ...(person.plain ? {} : { programmatic: { access: 'Managed' } }),
      ...rest,
      ...(permissionsBoundary === undefined ? {} : { permissionsBoundary }),
    },
  };
}

/** The object's name of one of its bindings. */
export function bindingName(person: Person, edge: Edge): string {
  return `${person.name}-${edge}`;
}

export function bindingOf(person: Person, edge: Edge, namespace: string): AwsEntitlementBinding {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsEntitlementBinding',
    metadata: { namespace, name: bindingName(person, edge) },
    spec: { accountRef: { name: person.name }, entitlement: edges[edge] },
  };
}

/** The merge patch (RFC 7386) from one declaration to the next. */
export function patchOf(before: Declaration, next: Declaration): object {
  const gone = (old: object, current: object): object =>
    Object.fromEntries(
      Object.keys(old)
        .filter((key) => !Object.hasOwn(current, key))
        .map((key) => [key, null]),
    );
  return {
    spec: {
      ...next,
      permissionsBoundary: next.permissionsBoundary ?? null,
      attributes: { ...gone(before.attributes, next.attributes), ...next.attributes },
      tags: { ...gone(before.tags, next.tags), ...next.tags },
    },
  };
}
