import { denyAllName, denyPolicyName } from '../account/index.ts';
import { fold, sameName } from '../schema/index.ts';

export type EntitlementType = 'Group' | 'AwsManagedPolicy' | 'CustomerManagedPolicy' | 'InlinePolicy';

/** Where entitlements are looked for. */
export interface Place {
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** Twelve digits. */
  readonly accountId: string;
}

/** A group or policy as somebody named it. */
export interface Reference {
  readonly type: EntitlementType;
  /** Without its path. */
  readonly name: string;
  /** `/` or `/…/`; undefined where only the name was given. */
  readonly path: string | undefined;
  /** Undefined where it was named by name. */
  readonly arn: string | undefined;
}

/** What was named, or a sentence on why it can be nothing in this place. */
export type ReadReference =
  | { readonly kind: 'read'; readonly reference: Reference }
  | { readonly kind: 'invalid'; readonly message: string };

/** A group or policy that is known by its name and ARN as AWS writes them. */
export interface Entitlement {
  readonly type: EntitlementType;
  readonly name: string;
  /** An inline policy has none in AWS; its own is the user's with `/policy/<name>` after it. */
  readonly arn: string;
}

/**
 * Reads how an entitlement is named: by name, by path and name, or by ARN. An ARN of another partition
 * or account names nothing that a user of this place can have.
 */
export function readReference(
  named: {
    readonly type: EntitlementType;
    readonly name?: string | undefined;
    readonly arn?: string | undefined;
  },
  place: Place,
): ReadReference {
  const { type, name: text, arn } = named;
  if (arn !== undefined) {
    return readArn(type, arn, place);
  }
  if (text === undefined || text === '') {
    return {
      kind: 'invalid',
      message: 'spec.entitlement has neither a name nor an arn; give one of the two',
    };
  }
  const slash = text.lastIndexOf('/');
  const name = text.slice(slash + 1);
  if (isDeny(type, name)) {
    return { kind: 'invalid', message: denied(name) };
  }
  if (type === 'InlinePolicy') {
    return { kind: 'read', reference: { type, name: text, path: undefined, arn: undefined } };
  }
  const path = slash === -1 ? undefined : pathOf(text.slice(0, slash));
  return { kind: 'read', reference: { type, name, path, arn: undefined } };
}

function readArn(type: EntitlementType, arn: string, place: Place): ReadReference {
  const [, partition = '', , , account = '', ...rest] = arn.split(':');
  const resource = rest.join(':');
  if (partition !== place.partition) {
    return {
      kind: 'invalid',
      message:
        `${arn} is of the partition ${partition}, and the connection leads to ${place.partition}; ` +
        `give the name in place of the ARN, or arn:${place.partition}:…`,
    };
  }
  const expected = type === 'AwsManagedPolicy' ? 'aws' : place.accountId;
  if (account !== expected) {
    return {
      kind: 'invalid',
      message:
        type === 'AwsManagedPolicy'
          ? `${arn} is no policy of AWS; set type CustomerManagedPolicy, or give an ARN of arn:${partition}:iam::aws:policy/`
          : `${arn} is of AWS account ${account}, and the connection leads to ${place.accountId}; ` +
            'nobody can be given what another account has',
    };
  }
  const slash = resource.indexOf('/');
  const kind = resource.slice(0, slash);
  const full = resource.slice(slash + 1);
  const last = full.lastIndexOf('/');
  const name = full.slice(last + 1);
  if (kind !== (type === 'Group' ? 'group' : 'policy') || name === '') {
    return { kind: 'invalid', message: `${arn} is not the ARN of what type ${type} names` };
  }
  if (isDeny(type, name)) {
    return { kind: 'invalid', message: denied(name) };
  }
  return { kind: 'read', reference: { type, name, path: pathOf(full.slice(0, Math.max(0, last))), arn } };
}

/**
 * Whether an edge that is held can be of what was named: the same type and name, and of AWS or of one's own
 * as the type says. What shuts a disabled user out never is.
 * @param held the ARN; the name where it has none, or where it is not known
 */
export function isOfNamed(
  named: {
    readonly type: EntitlementType;
    readonly name?: string | undefined;
    readonly arn?: string | undefined;
  },
  held: { readonly type: EntitlementType; readonly entitlement: string; readonly accountId: string },
): boolean {
  const { type, entitlement } = held;
  const name = lastName(type, entitlement);
  const [scheme, , , , account] = entitlement.split(':');
  const owner = type === 'AwsManagedPolicy' ? 'aws' : held.accountId;
  return (
    edgeKey({ type, name }) === namedKey(named) &&
    (type === 'InlinePolicy' || scheme !== 'arn' || account === owner) &&
    !isDeny(type, name)
  );
}

/** As `edgeKey`, of what was named, without regard to whether it can be there. */
export function namedKey(named: {
  readonly type: EntitlementType;
  readonly name?: string | undefined;
  readonly arn?: string | undefined;
}): string {
  const { type, name, arn = '' } = named;
  return edgeKey({ type, name: lastName(type, name ?? arn) });
}

/** The name in a path or an ARN; inline policies have neither. */
export function lastName(type: EntitlementType, text: string): string {
  return type === 'InlinePolicy' ? text : text.slice(text.lastIndexOf('/') + 1);
}

/** What shuts a disabled user out is not an entitlement: whoever could take it away would let the user in. */
function isDeny(type: EntitlementType, name: string): boolean {
  return (
    (type === 'InlinePolicy' && sameName(name, denyPolicyName)) ||
    (type === 'AwsManagedPolicy' && sameName(name, denyAllName))
  );
}

function denied(name: string): string {
  return `the policy ${name} is what shuts a disabled user out; set spec.enabled of the AwsAccount, or name another policy`;
}

/** `/` or `/…/` of what stands before a name. */
function pathOf(text: string): string {
  const trimmed = text.replace(/^\//, '');
  return trimmed === '' ? '/' : `/${trimmed}/`;
}

/** The path of a group or policy in its ARN. */
export function pathInArn(arn: string): string {
  const resource = arn.split(':').slice(5).join(':');
  return resource.slice(resource.indexOf('/'), resource.lastIndexOf('/') + 1);
}

/** Whether the path that was given, if one was, is that of the ARN. */
export function hasPath(reference: Reference, arn: string): boolean {
  return reference.path === undefined || sameName(reference.path, pathInArn(arn));
}

/**
 * What tells the edges of one user apart: names are unique in an account without regard to path and
 * case, those of AWS apart from one's own; names of inline policies are compared as written.
 */
export function edgeKey({ type, name }: Pick<Reference, 'type' | 'name'>): string {
  return `${type}/${type === 'InlinePolicy' ? name : fold(name)}`;
}

/** The ARN by which an inline policy of a user is told; AWS has none. */
export function inlineArn(userArn: string, name: string): string {
  return `${userArn}/policy/${name}`;
}

/** Of which of the two kinds a managed policy is. */
export function typeOfPolicy(arn: string): 'AwsManagedPolicy' | 'CustomerManagedPolicy' {
  return arn.split(':')[4] === 'aws' ? 'AwsManagedPolicy' : 'CustomerManagedPolicy';
}

/** The name of a managed policy, without its path. */
export function nameInArn(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
