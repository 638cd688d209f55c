import type { AwsAccount, AwsEntitlementBinding } from '../../../operator/api/v1alpha1/index.ts';
import type { UserDump } from '../../simulator/index.ts';
import type { Child } from './others.ts';
import { bindingName, edges, isEnabled, isHeld, type Edge, type Person } from './person.ts';

/** A key as a Secret tells it, and whom AWS takes its bearer for. */
export interface Published {
  readonly accessKeyId: string | undefined;
  readonly userName: string | undefined;
  /** Undefined: AWS refuses it. */
  readonly callerArn: string | undefined;
}

export interface Evidence {
  readonly people: readonly Person[];
  /** The AwsAccount objects that there are. */
  readonly objects: readonly AwsAccount[];
  /** The AwsEntitlementBinding objects that there are. */
  readonly bindings: readonly AwsEntitlementBinding[];
  /** What the Secrets of accounts hold, by the account's name. */
  readonly published: ReadonlyMap<string, Published>;
  /** The IAM users that there are. */
  readonly users: readonly UserDump[];
  /** Unique ids of the users that the operator made, oldest first, by the owner tag they were made with. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  /** Names of users that are not the operator's. */
  readonly foreign: ReadonlySet<string>;
  readonly children: ReadonlyMap<string, readonly Child[]>;
  /** The owner tag's value for an object's name. */
  readonly ownerOf: (name: string) => string;
}

/** Something that is not as declared; `person` where it concerns one. */
export interface Problem {
  readonly person: Person | undefined;
  readonly text: string;
}

const ownerTag = 'aws.idhub.io/owner';
const disabledTag = 'aws.idhub.io/disabled';
const denyPolicy = 'IDHubDisabled';
/** Stands in for the inline Deny where AWS refused that one. */
const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';

/** Compares what there is with what was declared, attribute by attribute. Empty: all is as declared. */
export function verify(evidence: Evidence): readonly Problem[] {
  const problems: Problem[] = [];
  const explained = new Set<string>(evidence.foreign);
  for (const person of evidence.people) {
    const tell = (text: string): void => {
      problems.push({ person, text: `${person.name} (${person.declared.userName}): ${text}` });
    };
    verifyMade(evidence, person, tell);
    const user =
      person.state === 'live' ? verifyLive(evidence, person, tell) : verifyDeleted(evidence, person, tell);
    if (user !== undefined) {
      explained.add(user.userName);
    }
  }
  for (const user of evidence.users) {
    if (!explained.has(user.userName)) {
      problems.push({
        person: undefined,
        text: `nobody declared IAM user ${user.userName} (${user.userId}), tags ${JSON.stringify(user.tags)}`,
      });
    }
  }
  return problems;
}

type Tell = (text: string) => void;

/** Nobody was made twice: at most one user an object, and one more each time that others deleted it. */
function verifyMade({ made, ownerOf }: Evidence, person: Person, tell: Tell): void {
  const ids = made.get(ownerOf(person.name)) ?? [];
  const again = person.declared.onExternalDelete === 'Recreate' ? person.deletedOutside.size : 0;
  const most = person.incarnations + again;
  if (ids.length > most) {
    tell(`its user was made ${ids.length} times (${ids.join(', ')}), and ${most} is right`);
  }
}

function verifyLive(evidence: Evidence, person: Person, tell: Tell): UserDump | undefined {
  const owned = evidence.users.filter(({ tags }) => tags[ownerTag] === evidence.ownerOf(person.name));
  const object = evidence.objects.find(({ metadata }) => metadata.name === person.name);
  const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
  const seen = `${ready?.status} ${ready?.reason}: ${ready?.message}`;
  if (object === undefined) {
    tell('its object is gone');
  } else if (ready?.observedGeneration !== object.metadata.generation) {
    tell(`its status is not of the present generation (${seen})`);
  }
  if (isHeld(person)) {
    if (owned.length > 0 || ready?.reason !== 'DeletedOutside') {
      tell(`was deleted by others and is to be held, and is ${seen}, with ${owned.length} users`);
    }
    return undefined;
  }
  if (ready?.status !== 'True' || ready.reason !== 'AsDeclared') {
    tell(`is not Ready as declared (${seen})`);
  }
  const [user, ...more] = owned;
  if (user === undefined || more.length > 0) {
    tell(`has ${owned.length} users`);
    return undefined;
  }
  const { declared } = person;
  const same = (what: string, is: unknown, wanted: unknown): void => {
    if (is !== wanted) {
      tell(`${what} is ${JSON.stringify(is)}, declared is ${JSON.stringify(wanted)}`);
    }
  };
  same('userName', user.userName, declared.userName);
  same('path', user.path, declared.path);
  same('permissionsBoundary', user.permissionsBoundary, declared.permissionsBoundary);
  same('status.userId', object?.status?.userId, user.userId);
  verifyTags(evidence, person, user, tell);
  verifyShut(user, !isEnabled(person), tell);
  verifyChildren(evidence, user, tell);
  verifyEdges(evidence, person, user, tell);
  if (isEnabled(person)) {
    verifyKey(evidence, person, user, tell);
    for (const child of evidence.children.get(user.userId) ?? []) {
      if (child.kind === 'console' && child.disables === person.disables && !user.hasLoginProfile) {
        tell('was never disabled since its password was set, and the password is gone');
      }
    }
    for (const { id, status } of credentialsOf(user)) {
      if (status !== 'Active') {
        tell(`is enabled, and credential ${id} is ${status}`);
      }
    }
  }
  return user;
}

function verifyDeleted(evidence: Evidence, person: Person, tell: Tell): UserDump | undefined {
  const { users, objects, made, ownerOf } = evidence;
  const owner = ownerOf(person.name);
  const ids = made.get(owner) ?? [];
  if (objects.some(({ metadata }) => metadata.name === person.name)) {
    tell('was deleted, and its object is still there');
  }
  if (users.some(({ tags }) => tags[ownerTag] === owner)) {
    tell('was deleted, and a user is marked as its own');
  }
  const left = users.filter(({ userId }) => ids.includes(userId));
  const last = ids.at(-1);
  if (person.declared.deletionPolicy === 'Delete' || last === undefined || person.deletedOutside.has(last)) {
    if (left.length > 0) {
      tell(`was deleted, and ${left.map(({ userName }) => userName).join(', ')} is still there`);
    }
    return left[0];
  }
  const user = left.find(({ userId }) => userId === last);
  if (user === undefined) {
    tell(`was deleted with ${person.declared.deletionPolicy}, and its user ${last} is gone`);
    return undefined;
  }
  if (person.declared.deletionPolicy === 'Disable') {
    verifyShut(user, true, tell);
  }
  verifyChildren(evidence, user, tell);
  verifyEdges(evidence, person, user, tell);
  return user;
}

/** One usable key from here, which is the one in the Secret, and no other. */
function verifyKey({ children, published }: Evidence, person: Person, user: UserDump, tell: Tell): void {
  const theirs = new Set(
    (children.get(user.userId) ?? []).flatMap((child) => (child.kind === 'accessKey' ? [child.id] : [])),
  );
  const own = user.accessKeys.map(({ accessKeyId }) => accessKeyId).filter((id) => !theirs.has(id));
  const wanted = person.plain ? 0 : 1;
  if (own.length !== wanted) {
    tell(`has ${own.length} access keys from here (${own.join(', ')}), and ${wanted} is right`);
  }
  const secret = published.get(person.name);
  if (!person.plain && (secret?.accessKeyId !== own[0] || secret?.callerArn !== user.arn)) {
    tell(`its Secret holds ${JSON.stringify(secret)}, and its key is ${own[0]}, of ${user.arn}`);
  }
  if (!person.plain && secret?.userName !== user.userName) {
    tell(`its Secret names ${secret?.userName}`);
  }
}

/** Exactly the edges that are bound, and the bindings say so. */
function verifyEdges({ bindings }: Evidence, person: Person, user: UserDump, tell: Tell): void {
  for (const [edge, { type, name }] of Object.entries(edges)) {
    const has =
      type === 'Group'
        ? user.groups.includes(name)
        : user.attachedPolicies.includes(`arn:aws:iam::aws:policy/${name}`);
    const wanted = person.bound.has(edge as Edge);
    if (has !== wanted) {
      tell(`is ${has ? '' : 'not '}bound to ${name}, and should ${wanted ? '' : 'not '}be`);
    }
    const object = bindings.find(({ metadata }) => metadata.name === bindingName(person, edge as Edge));
    const ready = object?.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (wanted !== (object !== undefined) || (wanted && ready?.status !== 'True')) {
      tell(
        `its binding to ${name} is ${object === undefined ? 'gone' : `${ready?.status} ${ready?.message}`}`,
      );
    }
  }
}

/** Exactly the declared tags and attributes, ours, and what others put there. */
function verifyTags(evidence: Evidence, person: Person, user: UserDump, tell: Tell): void {
  const { declared } = person;
  const left = new Map(Object.entries(user.tags));
  const take = (key: string, wanted: string): void => {
    const value = left.get(key);
    if (value !== wanted) {
      tell(`tag "${key}" is ${JSON.stringify(value)}, and should be ${JSON.stringify(wanted)}`);
    }
    left.delete(key);
  };
  left.delete(ownerTag);
  for (const [name, wanted] of Object.entries(declared.attributes)) {
    const { value, keys } = decode(name, left);
    if (value !== wanted) {
      tell(`attribute ${name} is ${JSON.stringify(value)}, declared is ${JSON.stringify(wanted)}`);
    }
    keys.forEach((key) => left.delete(key));
  }
  for (const [key, wanted] of Object.entries(declared.tags)) {
    take(key, wanted);
  }
  for (const child of evidence.children.get(user.userId) ?? []) {
    if (child.kind === 'tag') {
      take(child.key, child.value);
    }
  }
  for (const key of left.keys()) {
    if (isEnabled(person) || !(key === disabledTag || key.startsWith(`${disabledTag}.`))) {
      tell(`carries the tag "${key}", which nobody declared`);
    }
  }
}

/** The documented form: plain, or `idhub:<part>/<parts>:` with `=XX` for bytes, over `key`, `key.2` … */
function decode(
  key: string,
  tags: ReadonlyMap<string, string>,
): { value: string | undefined; keys: string[] } {
  const head = tags.get(key);
  const parts = Number(/^idhub:1\/(\d+):/.exec(head ?? '')?.[1] ?? 0);
  if (parts === 0) {
    return { value: head, keys: [key] };
  }
  const keys = Array.from({ length: parts }, (_, index) => (index === 0 ? key : `${key}.${index + 1}`));
  const text = keys.map((each) => tags.get(each)?.replace(/^idhub:\d+\/\d+:/, '') ?? '').join('');
  return { value: decodeURIComponent(text.replaceAll('%', '%25').replaceAll('=', '%')), keys };
}

/** A disabled user is denied everything and has nothing that works; an enabled one has none of ours left. */
function verifyShut(user: UserDump, shut: boolean, tell: Tell): void {
  const document = user.inlinePolicies[denyPolicy];
  const inline = document !== undefined && /"Effect":"Deny","Action":"\*","Resource":"\*"/.test(document);
  const managed = user.attachedPolicies.includes(denyAll);
  const tagged = user.tags[disabledTag] !== undefined;
  if (shut ? !inline && !managed : document !== undefined || managed) {
    tell(
      `should be ${shut ? 'disabled' : 'enabled'}, and its Deny is ${document ?? (managed ? denyAll : 'absent')}`,
    );
  }
  if (shut !== tagged) {
    tell(
      `should be ${shut ? 'disabled' : 'enabled'}, and the tag that remembers it is ${tagged ? '' : 'not '}there`,
    );
  }
  if (!shut) {
    return;
  }
  if (user.hasLoginProfile) {
    tell('is disabled, and has a console password');
  }
  for (const { id, status } of credentialsOf(user)) {
    if (status === 'Active') {
      tell(`is disabled, and credential ${id} is Active`);
    }
  }
}

/** What others put on the user is there, as they made it. */
function verifyChildren({ children }: Evidence, user: UserDump, tell: Tell): void {
  const credentials = new Set(credentialsOf(user).map(({ id }) => id));
  for (const child of children.get(user.userId) ?? []) {
    const there = ((): boolean => {
      switch (child.kind) {
        case 'tag':
          return user.tags[child.key] === child.value;
        case 'group':
          return user.groups.includes(child.name);
        case 'attached':
          return user.attachedPolicies.includes(child.name);
        case 'inline':
          return user.inlinePolicies[child.name] === child.document;
        case 'console':
          // A disable takes it away: looked at where it must not have.
          return true;
        case 'accessKey':
        case 'sshKey':
        case 'certificate':
        case 'serviceCredential':
          return credentials.has(child.id);
      }
    })();
    if (!there) {
      tell(`others put ${JSON.stringify(child)} on its user, and it is gone`);
    }
  }
}

function credentialsOf(user: UserDump): readonly { readonly id: string; readonly status: string }[] {
  return [
    ...user.accessKeys.map(({ accessKeyId, status }) => ({ id: accessKeyId, status })),
    ...user.sshPublicKeys,
    ...user.signingCertificates,
    ...user.serviceSpecificCredentials,
  ];
}
