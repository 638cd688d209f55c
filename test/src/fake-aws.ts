import { denyState, type ObservedUser } from '../../src/account/index.ts';
import {
  AwsError,
  type AwsApi,
  type AwsErrorKind,
  type CallOptions,
  type InputOf,
  type Operation,
  type OutputOf,
  type Priority,
} from '../../src/aws/index.ts';
import { inlinePolicy } from '../../src/entitlement/index.ts';

export type Status = 'Active' | 'Inactive';

/** An IAM user with everything it can own. */
export interface FakeUser {
  userName: string;
  readonly userId: string;
  path: string;
  /** Milliseconds since the epoch; 0 where it does not matter. */
  createdAt?: number;
  tags: Map<string, string>;
  boundary: string | undefined;
  console: boolean;
  /** Absent where the password is not known here. */
  password?: string;
  resetRequired?: boolean;
  keys: Map<string, Status>;
  ssh: Map<string, Status>;
  certificates: Map<string, Status>;
  services: Map<string, Status>;
  mfa: Set<string>;
  groups: Set<string>;
  attached: Set<string>;
  inline: Map<string, string>;
}

export interface FakeCall {
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
  readonly priority: Priority | undefined;
}

export interface FakePasswordPolicy {
  readonly MinimumPasswordLength: number;
  readonly AllowUsersToChangePassword: boolean;
  /** The one before may not be set again. */
  readonly forbidsReuse?: boolean;
}

/** The process is gone: what the last call did is done, and nobody hears of it. */
export class Crash extends Error {}

/** An AWS account in memory behind the port of the connector. It records calls and can be told to fail. */
export class FakeAws implements AwsApi {
  readonly users: FakeUser[] = [];
  /** Virtual MFA devices, which are there also while nobody has them. */
  readonly devices = new Set<string>();
  readonly calls: FakeCall[] = [];
  /** Groups that there are, by name with their path. */
  readonly groups = new Map<string, string>();
  /** ARNs of managed policies that `ListPolicies` shows. */
  readonly policies = new Set<string>();
  /** ARNs of policies that nobody can attach, since they are not there. */
  readonly gonePolicies = new Set<string>();
  /** Items a page. */
  pageSize = 100;
  /** Lists begin with a page that is empty and has more to come. */
  emptyPages = false;
  inlineQuotaFull = false;
  attachedQuota = 10;
  /** Asked before each call; what it answers is thrown. */
  refuse: (call: FakeCall) => AwsErrorKind | undefined = () => undefined;
  /** The process ends after this many calls that have changed something were made. */
  writesUntilCrash = Number.POSITIVE_INFINITY;
  /** Whether the last call is lost as by a fault of the network, instead of with the whole process. */
  crashAs: 'crash' | 'unreachable' = 'crash';
  /** How far AWS's clock is ahead. */
  skewMs = 0;
  /** Of the account; undefined: that of AWS. */
  passwordPolicy: FakePasswordPolicy | undefined;
  /** A login profile was made a moment ago and cannot be changed yet. */
  profileSettles = false;
  /** AWS's clock. */
  now: () => number = () => 0;
  /** Access keys that were made by a call: their secrets, and who made them. */
  readonly made = new Map<string, { readonly secret: string; readonly createdAt: number; maker: string }>();
  /** Whether CloudTrail shows who made a key by now. */
  trail = false;
  /** Keys that a list does not show yet. */
  hidesKey: (id: string) => boolean = () => false;
  #ids = 0;

  add(userName: string, more: Partial<FakeUser> = {}): FakeUser {
    this.#ids += 1;
    const user: FakeUser = {
      userName,
      userId: `AIDA${String(this.#ids).padStart(17, '0')}`,
      path: '/',
      tags: new Map(),
      boundary: undefined,
      console: false,
      keys: new Map(),
      ssh: new Map(),
      certificates: new Map(),
      services: new Map(),
      mfa: new Set(),
      groups: new Set(),
      attached: new Set(),
      inline: new Map(),
      ...more,
    };
    this.users.push(user);
    return user;
  }

  find(userName: string): FakeUser | undefined {
    return this.users.find((user) => user.userName.toLowerCase() === userName.toLowerCase());
  }

  /** The user as a complete reading shows it. */
  observe(userName: string): ObservedUser {
    const user = this.#user(userName, 'observe');
    const attachedPolicies = [...user.attached].map((arn) => ({ name: arn.split('/').at(-1) ?? '', arn }));
    const inline = [...user.inline].map(([name, document]) => ({
      name,
      document: encodeURIComponent(document),
    }));
    return {
      userName: user.userName,
      userId: user.userId,
      arn: arnOf(user),
      path: user.path,
      createdAt: user.createdAt ?? 0,
      tags: [...user.tags].map(([key, value]) => ({ key, value })),
      boundary: user.boundary,
      deny: denyState(inline, attachedPolicies),
      groups: [...user.groups],
      attachedPolicies,
      inlinePolicies: [...user.inline].map(([name, document]) => inlinePolicy(name, document)),
      passwordLastUsed: undefined,
    };
  }

  /** The names of the calls that change something, in their order. */
  get writes(): readonly Operation[] {
    return this.calls
      .map(({ operation }) => operation)
      .filter((operation) => !/^(Get|List|Lookup)/.test(operation));
  }

  count(operation: Operation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  call<K extends Operation>(operation: K, input: InputOf<K>, options: CallOptions): Promise<OutputOf<K>> {
    return Promise.resolve().then(() => this.#answer(operation, input, options) as OutputOf<K>);
  }

  close(): void {
    this.refuse = () => 'unreachable';
  }

  #answer(operation: Operation, input: object, options: CallOptions): unknown {
    options.signal.throwIfAborted();
    if (this.crashAs === 'crash' && this.writesUntilCrash <= 0) {
      // The process is no more; whoever catches the first of these makes no further call.
      throw new Crash();
    }
    const call = { operation, input: { ...input }, priority: options.priority };
    this.calls.push(call);
    const kind = this.refuse(call);
    if (kind !== undefined) {
      throw fault(operation, kind);
    }
    const answer = this.#do(operation, call.input);
    if (!/^(Get|List|Lookup)/.test(operation)) {
      this.writesUntilCrash -= 1;
      if (this.writesUntilCrash === 0) {
        throw this.crashAs === 'crash' ? new Crash() : fault(operation, 'unreachable');
      }
    }
    return answer;
  }

  #user(userName: unknown, operation: string): FakeUser {
    const user = this.find(String(userName));
    if (user === undefined) {
      throw fault(operation, 'notFound', `The user with name ${String(userName)} cannot be found.`);
    }
    return user;
  }

  #do(operation: Operation, input: Readonly<Record<string, unknown>>): unknown {
    if (operation === 'CreateUser') {
      return this.#create(input);
    }
    if (operation === 'LookupEvents') {
      return this.#events(input['LookupAttributes'] as readonly { AttributeValue: string }[]);
    }
    if (operation === 'GetAccountPasswordPolicy') {
      if (this.passwordPolicy === undefined) {
        throw fault(operation, 'notFound');
      }
      return { PasswordPolicy: this.passwordPolicy };
    }
    if (operation === 'ListPolicies') {
      const own = input['Scope'] === 'Local';
      const arns = [...this.policies].filter((arn) => (arn.split(':')[4] !== 'aws') === own);
      return this.#page(
        'Policies',
        arns.map((arn) => ({ PolicyName: arn.split('/').at(-1), Arn: arn })),
        input,
      );
    }
    if (operation === 'DeleteVirtualMFADevice') {
      const serial = String(input['SerialNumber']);
      if (this.users.some((user) => user.mfa.has(serial))) {
        throw fault(operation, 'deleteConflict');
      }
      return removeFrom(this.devices, serial, operation);
    }
    const user = this.#user(input['UserName'], operation);
    const id = (name: string): string => String(input[name]);
    switch (operation) {
      case 'GetUser':
        return { User: shown(user) };
      case 'UpdateUser':
        return this.#update(user, input);
      case 'DeleteUser':
        return this.#delete(user);
      case 'TagUser':
        return tag(user, input['Tags'] as readonly { Key: string; Value: string }[]);
      case 'UntagUser':
        for (const key of input['TagKeys'] as readonly string[]) {
          const present = [...user.tags.keys()].find((one) => one.toLowerCase() === key.toLowerCase());
          user.tags.delete(present ?? '');
        }
        return {};
      case 'PutUserPermissionsBoundary':
        user.boundary = id('PermissionsBoundary');
        return {};
      case 'DeleteUserPermissionsBoundary':
        if (user.boundary === undefined) {
          throw fault(operation, 'notFound');
        }
        user.boundary = undefined;
        return {};
      case 'PutUserPolicy':
        if (this.inlineQuotaFull) {
          throw fault(operation, 'limitExceeded');
        }
        user.inline.set(id('PolicyName'), id('PolicyDocument'));
        return {};
      case 'DeleteUserPolicy':
        return removeFrom(user.inline, id('PolicyName'), operation);
      case 'AddUserToGroup': {
        const group = [...this.groups.keys()].find(
          (name) => name.toLowerCase() === id('GroupName').toLowerCase(),
        );
        if (group === undefined) {
          throw fault(operation, 'notFound', `The group with name ${id('GroupName')} cannot be found.`);
        }
        user.groups.add(group);
        return {};
      }
      case 'GetUserPolicy': {
        const document = user.inline.get(id('PolicyName'));
        if (document === undefined) {
          throw fault(operation, 'notFound');
        }
        return { PolicyName: id('PolicyName'), PolicyDocument: encodeURIComponent(document) };
      }
      case 'AttachUserPolicy':
        if (this.gonePolicies.has(id('PolicyArn'))) {
          throw fault(
            operation,
            'notFound',
            `Policy ${id('PolicyArn')} does not exist or is not attachable.`,
          );
        }
        if (!user.attached.has(id('PolicyArn')) && user.attached.size >= this.attachedQuota) {
          throw fault(operation, 'limitExceeded');
        }
        user.attached.add(id('PolicyArn'));
        return {};
      case 'DetachUserPolicy':
        return removeFrom(user.attached, id('PolicyArn'), operation);
      case 'GetLoginProfile':
        if (!user.console) {
          throw fault(operation, 'notFound');
        }
        return { LoginProfile: { UserName: user.userName } };
      case 'DeleteLoginProfile':
        if (!user.console) {
          throw fault(operation, 'notFound');
        }
        if (this.profileSettles) {
          throw fault(operation, 'temporary');
        }
        user.console = false;
        delete user.password;
        return {};
      case 'CreateLoginProfile':
        if (user.console) {
          throw fault(operation, 'alreadyExists');
        }
        return this.#setPassword(operation, user, input);
      case 'UpdateLoginProfile':
        if (!user.console) {
          throw fault(operation, 'notFound', `Login Profile for User ${user.userName} cannot be found.`);
        }
        if (this.profileSettles) {
          throw fault(operation, 'temporary');
        }
        return this.#setPassword(operation, user, input);
      case 'CreateAccessKey':
        return this.#makeKey(user);
      case 'UpdateAccessKey':
        return switchIn(user.keys, id('AccessKeyId'), input, operation);
      case 'UpdateSSHPublicKey':
        return switchIn(user.ssh, id('SSHPublicKeyId'), input, operation);
      case 'UpdateSigningCertificate':
        return switchIn(user.certificates, id('CertificateId'), input, operation);
      case 'UpdateServiceSpecificCredential':
        return switchIn(user.services, id('ServiceSpecificCredentialId'), input, operation);
      case 'DeleteAccessKey':
        return removeFrom(user.keys, id('AccessKeyId'), operation);
      case 'DeleteSSHPublicKey':
        return removeFrom(user.ssh, id('SSHPublicKeyId'), operation);
      case 'DeleteSigningCertificate':
        return removeFrom(user.certificates, id('CertificateId'), operation);
      case 'DeleteServiceSpecificCredential':
        return removeFrom(user.services, id('ServiceSpecificCredentialId'), operation);
      case 'DeactivateMFADevice':
        return removeFrom(user.mfa, id('SerialNumber'), operation);
      case 'RemoveUserFromGroup':
        return removeFrom(user.groups, id('GroupName'), operation);
      case 'ListAccessKeys':
        return this.#page(
          'AccessKeyMetadata',
          [...user.keys]
            .filter(([key]) => !this.hidesKey(key))
            .map(([key, status]) => ({
              AccessKeyId: key,
              Status: status,
              CreateDate: new Date(this.made.get(key)?.createdAt ?? 0),
            })),
          input,
        );
      case 'ListSSHPublicKeys':
        return this.#page('SSHPublicKeys', statuses(user.ssh, 'SSHPublicKeyId'), input);
      case 'ListSigningCertificates':
        return this.#page('Certificates', statuses(user.certificates, 'CertificateId'), input);
      case 'ListServiceSpecificCredentials':
        return this.#page(
          'ServiceSpecificCredentials',
          statuses(user.services, 'ServiceSpecificCredentialId'),
          input,
        );
      case 'ListMFADevices':
        return this.#page(
          'MFADevices',
          [...user.mfa].map((serial) => ({ SerialNumber: serial })),
          input,
        );
      case 'ListGroupsForUser':
        return this.#page(
          'Groups',
          [...user.groups].map((name) => ({ GroupName: name })),
          input,
        );
      case 'ListAttachedUserPolicies':
        return this.#page(
          'AttachedPolicies',
          [...user.attached].map((arn) => ({ PolicyArn: arn })),
          input,
        );
      case 'ListUserPolicies':
        return this.#page('PolicyNames', [...user.inline.keys()], input);
      default:
        throw new Error(`the fake has no ${operation}`);
    }
  }

  #setPassword(operation: Operation, user: FakeUser, input: Readonly<Record<string, unknown>>): unknown {
    const password = String(input['Password']);
    const { MinimumPasswordLength: least = 8, forbidsReuse = false } = this.passwordPolicy ?? {};
    const complaint =
      password.length < least
        ? `Password should have a minimum length of ${least}`
        : forbidsReuse && user.password === password
          ? 'Policy constraint violation with password reuse prevention'
          : undefined;
    if (complaint !== undefined) {
      const code = 'PasswordPolicyViolation';
      throw new AwsError({ kind: 'invalid', operation, code, message: complaint });
    }
    user.console = true;
    user.password = password;
    user.resetRequired = input['PasswordResetRequired'] === true;
    return {};
  }

  #makeKey(user: FakeUser): unknown {
    if (user.keys.size >= 2) {
      throw fault('CreateAccessKey', 'limitExceeded', 'Cannot exceed quota for AccessKeysPerUser: 2');
    }
    this.#ids += 1;
    const id = `AKIA${String(this.#ids).padStart(16, '0')}`;
    const secret = `secret-of-${id}`;
    const createdAt = Math.floor(this.now() / 1000) * 1000;
    this.made.set(id, { secret, createdAt, maker: 'arn:aws:iam::111122223333:user/idhub' });
    user.keys.set(id, 'Active');
    return {
      AccessKey: {
        AccessKeyId: id,
        SecretAccessKey: secret,
        Status: 'Active',
        CreateDate: new Date(createdAt),
      },
    };
  }

  #events([attribute]: readonly { readonly AttributeValue: string }[]): unknown {
    const id = attribute?.AttributeValue ?? '';
    const made = this.trail ? this.made.get(id) : undefined;
    const event = {
      userIdentity: { arn: made?.maker },
      responseElements: { accessKey: { accessKeyId: id } },
    };
    return {
      Events:
        made === undefined ? [] : [{ EventName: 'CreateAccessKey', CloudTrailEvent: JSON.stringify(event) }],
    };
  }

  #create(input: Readonly<Record<string, unknown>>): unknown {
    if (this.find(String(input['UserName'])) !== undefined) {
      throw fault('CreateUser', 'alreadyExists');
    }
    const user = this.add(String(input['UserName']), {
      path: (input['Path'] as string | undefined) ?? '/',
      boundary: input['PermissionsBoundary'] as string | undefined,
      createdAt: this.now(),
    });
    tag(user, (input['Tags'] ?? []) as readonly { Key: string; Value: string }[]);
    return { User: shown(user) };
  }

  #update(user: FakeUser, input: Readonly<Record<string, unknown>>): unknown {
    const { NewUserName: name, NewPath: path } = input as { NewUserName?: string; NewPath?: string };
    if (name !== undefined && this.find(name) !== undefined) {
      throw fault('UpdateUser', 'alreadyExists');
    }
    user.userName = name ?? user.userName;
    user.path = path ?? user.path;
    return {};
  }

  #delete(user: FakeUser): unknown {
    const { keys, ssh, certificates, services, mfa, groups, attached, inline } = user;
    const owned = [keys, ssh, certificates, services, mfa, groups, attached, inline];
    if (user.console || owned.some((each) => each.size > 0)) {
      throw fault('DeleteUser', 'deleteConflict');
    }
    this.users.splice(this.users.indexOf(user), 1);
    return {};
  }

  #page(name: string, items: readonly unknown[], input: Readonly<Record<string, unknown>>): unknown {
    const marker = input['Marker'] as string | undefined;
    if (marker === undefined && this.emptyPages) {
      return { [name]: [], IsTruncated: true, Marker: '0' };
    }
    const start = Number(marker ?? 0);
    const end = start + this.pageSize;
    const more = end < items.length;
    return { [name]: items.slice(start, end), IsTruncated: more, ...(more ? { Marker: String(end) } : {}) };
  }
}

export function fault(operation: string, kind: AwsErrorKind, message = `a made-up ${kind}`): AwsError {
  return new AwsError({ kind, operation, code: kind, message });
}

function arnOf(user: FakeUser): string {
  return `arn:aws:iam::111122223333:user${user.path}${user.userName}`;
}

function shown(user: FakeUser): unknown {
  return {
    UserName: user.userName,
    UserId: user.userId,
    Arn: arnOf(user),
    Path: user.path,
    CreateDate: new Date(user.createdAt ?? 0),
    Tags: [...user.tags].map(([key, value]) => ({ Key: key, Value: value })),
    ...(user.boundary === undefined
      ? {}
      : { PermissionsBoundary: { PermissionsBoundaryArn: user.boundary } }),
  };
}

/** TagUser: keys are compared without regard to case, and at most 50 fit on a user. */
function tag(user: FakeUser, tags: readonly { readonly Key: string; readonly Value: string }[]): unknown {
  const next = new Map(user.tags);
  for (const { Key: key, Value: value } of tags) {
    const present = [...next.keys()].find((one) => one.toLowerCase() === key.toLowerCase());
    next.set(present ?? key, value);
  }
  if (next.size > 50) {
    throw fault('TagUser', 'limitExceeded');
  }
  user.tags = next;
  return {};
}

function removeFrom(from: Map<string, unknown> | Set<string>, id: string, operation: string): unknown {
  if (!from.delete(id)) {
    throw fault(operation, 'notFound');
  }
  return {};
}

function switchIn(
  among: Map<string, Status>,
  id: string,
  input: Readonly<Record<string, unknown>>,
  operation: string,
): unknown {
  if (!among.has(id)) {
    throw fault(operation, 'notFound');
  }
  among.set(id, input['Status'] as Status);
  return {};
}

function statuses(among: ReadonlyMap<string, Status>, id: string): readonly unknown[] {
  return [...among].map(([name, status]) => ({ [id]: name, Status: status }));
}
