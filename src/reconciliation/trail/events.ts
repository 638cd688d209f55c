import { fold } from '../../schema/index.ts';

/** An event of `LookupEvents`, as the API answers it. */
export interface RawEvent {
  readonly EventId?: string | undefined;
  readonly EventName?: string | undefined;
  readonly EventTime?: Date | undefined;
  readonly EventSource?: string | undefined;
  readonly CloudTrailEvent?: string | undefined;
  readonly Resources?:
    | readonly { readonly ResourceType?: string | undefined; readonly ResourceName?: string | undefined }[]
    | undefined;
}

/** What of a user may have changed, beside what `GetUser` shows. */
export interface Aspects {
  readonly edges: boolean;
  readonly credentials: boolean;
}

/** A change that was made, by what it speaks of. It is a hint only: what is true now is read. */
export interface TrailEvent {
  readonly id: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly at: number;
  /** The users it names, folded; two where one was renamed. */
  readonly names: readonly string[];
  /** Their unique ids, where it gives them. */
  readonly ids: readonly string[];
  readonly aspects: Aspects;
  /** The user is deleted by it. */
  readonly deletes: boolean;
  /** It makes the user. */
  readonly creates: boolean;
  /** Names of a group that it changes for its members, folded. */
  readonly groups: readonly string[];
  /** Whether it changes what the members inherit, and not only how the group is called. */
  readonly inherited: boolean;
  /** The ARN of a managed policy that it changes. */
  readonly policy: string | undefined;
  /** What is told of groups and managed policies may change by it. */
  readonly catalogue: boolean;
}

const justUser: Aspects = { edges: false, credentials: false };
const edges: Aspects = { edges: true, credentials: false };
const credentials: Aspects = { edges: false, credentials: true };
const everything: Aspects = { edges: true, credentials: true };

/**
 * Changes of users, and what they change. Of those that are not here `everything` is read; IAM's operations
 * are those of its API reference.
 */
const ofUsers: Readonly<Record<string, Aspects | undefined>> = {
  CreateUser: justUser,
  // Inline policies go by the name of their user.
  UpdateUser: edges,
  DeleteUser: justUser,
  TagUser: justUser,
  UntagUser: justUser,
  PutUserPermissionsBoundary: justUser,
  DeleteUserPermissionsBoundary: justUser,
  AddUserToGroup: edges,
  RemoveUserFromGroup: edges,
  AttachUserPolicy: edges,
  DetachUserPolicy: edges,
  PutUserPolicy: edges,
  DeleteUserPolicy: edges,
  CreateLoginProfile: credentials,
  UpdateLoginProfile: credentials,
  DeleteLoginProfile: credentials,
  ChangePassword: justUser,
  CreateAccessKey: credentials,
  UpdateAccessKey: credentials,
  DeleteAccessKey: credentials,
  EnableMFADevice: credentials,
  DeactivateMFADevice: credentials,
  ResyncMFADevice: justUser,
  UploadSSHPublicKey: justUser,
  UpdateSSHPublicKey: justUser,
  DeleteSSHPublicKey: justUser,
  UploadSigningCertificate: justUser,
  UpdateSigningCertificate: justUser,
  DeleteSigningCertificate: justUser,
  CreateServiceSpecificCredential: justUser,
  UpdateServiceSpecificCredential: justUser,
  ResetServiceSpecificCredential: justUser,
  DeleteServiceSpecificCredential: justUser,
};

/** Changes of groups that their members see; the others of a group concern nobody else. */
const ofGroups: Readonly<Record<string, 'named' | 'inherited' | undefined>> = {
  UpdateGroup: 'named',
  PutGroupPolicy: 'inherited',
  DeleteGroupPolicy: 'inherited',
  AttachGroupPolicy: 'inherited',
  DetachGroupPolicy: 'inherited',
};

const ofPolicies: ReadonlySet<string> = new Set([
  'CreatePolicyVersion',
  'DeletePolicyVersion',
  'SetDefaultPolicyVersion',
  'DeletePolicy',
]);

/**
 * By what groups and managed policies come, go, are renamed or are used in another way: AWS tells of a policy
 * whether anybody has it, and whether it is anybody's boundary.
 */
const ofCatalogue: ReadonlySet<string> = new Set([
  'CreateGroup',
  'UpdateGroup',
  'DeleteGroup',
  'CreatePolicy',
  'DeletePolicy',
  ...['User', 'Group', 'Role'].flatMap((holder) => [`Attach${holder}Policy`, `Detach${holder}Policy`]),
  // A boundary may be given with the first call, and goes with its holder.
  ...['User', 'Role'].flatMap((holder) => [
    `Create${holder}`,
    `Delete${holder}`,
    `Put${holder}PermissionsBoundary`,
    `Delete${holder}PermissionsBoundary`,
  ]),
]);

/** What CloudTrail writes of a call (CloudTrail user guide, record contents). */
interface TrailRecord {
  readonly errorCode?: unknown;
  readonly errorMessage?: unknown;
  readonly userIdentity?: unknown;
  readonly requestParameters?: unknown;
  readonly responseElements?: unknown;
}

/**
 * Reads an event. Undefined where it says of no user, group or policy that it changed: a call that AWS
 * refused, another service, a role.
 * @param signIns whether it matters when somebody signed in (`settings.passwordLastUsed`)
 */
export function readEvent(raw: RawEvent, signIns: boolean): TrailEvent | undefined {
  const { EventId: id, EventName: name = '', EventTime: time, EventSource: source } = raw;
  if (id === undefined || time === undefined) {
    return undefined;
  }
  const record = parse(raw.CloudTrailEvent);
  // A refused call changed nothing. A failed sign-in has a message alone (CloudTrail user guide, sign-in events).
  if (record?.errorCode !== undefined || (name === 'ConsoleLogin' && record?.errorMessage !== undefined)) {
    return undefined;
  }
  const identity = member(record, 'userIdentity');
  const self = text(identity, 'type') === 'IAMUser' ? text(identity, 'userName') : undefined;
  const nothing = {
    id,
    at: time.getTime(),
    names: [],
    ids: [],
    aspects: justUser,
    deletes: false,
    creates: false,
    groups: [],
    inherited: false,
    policy: undefined,
    catalogue: false,
  };
  if (source === 'signin.amazonaws.com') {
    return name === 'ConsoleLogin' && signIns && self !== undefined
      ? { ...nothing, names: [fold(self)], ids: idsIn([identity], 'principalId') }
      : undefined;
  }
  if (source !== 'iam.amazonaws.com') {
    return undefined;
  }
  const request = member(record, 'requestParameters');
  const answers = Object.values(object(member(record, 'responseElements')) ?? {});
  const group = ofGroups[name];
  const policy = ofPolicies.has(name) ? text(request, 'policyArn') : undefined;
  const known = ofUsers[name];
  const named = [
    text(request, 'userName'),
    text(request, 'newUserName'),
    ...answers.map((answer) => text(answer, 'userName')),
    ...(record === undefined ? resourceNames(raw) : []),
  ].filter((each) => each !== undefined);
  // Who names nobody means itself (IAM API reference, CreateAccessKey and the like).
  const own = named.length === 0 && known !== undefined && self !== undefined;
  const names = [...new Set((own ? [self] : named).map(fold))];
  const catalogue = ofCatalogue.has(name);
  if (names.length === 0 && group === undefined && policy === undefined && !catalogue) {
    return undefined;
  }
  return {
    ...nothing,
    names,
    ids: [...idsIn(answers, 'userId'), ...(own ? idsIn([identity], 'principalId') : [])],
    aspects: known ?? everything,
    deletes: name === 'DeleteUser',
    creates: name === 'CreateUser',
    groups:
      group === undefined
        ? []
        : [text(request, 'groupName'), text(request, 'newGroupName')].flatMap((each) =>
            each === undefined ? [] : [fold(each)],
          ),
    inherited: group === 'inherited',
    policy,
    catalogue,
  };
}

function parse(json: string | undefined): TrailRecord | undefined {
  try {
    return object(JSON.parse(json ?? 'null'));
  } catch {
    return undefined;
  }
}

/** The names that the event itself was filed under, where its record cannot be read. */
function resourceNames(raw: RawEvent): readonly string[] {
  return (raw.Resources ?? []).flatMap(({ ResourceType: type, ResourceName: name }) =>
    type === 'AWS::IAM::User' && name !== undefined && !/^arn:|^AIDA[A-Z0-9]{12,}$/.test(name) ? [name] : [],
  );
}

/** Unique ids of IAM users begin with AIDA (IAM user guide, IAM identifiers). */
function idsIn(values: readonly unknown[], name: 'userId' | 'principalId'): readonly string[] {
  return values.flatMap((value) => {
    const id = text(value, name);
    return id?.startsWith('AIDA') === true ? [id] : [];
  });
}

function object(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function member(value: unknown, name: string): unknown {
  const from = object(value);
  return from !== undefined && Object.hasOwn(from, name) ? from[name] : undefined;
}

function text(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
