import {
  desiredTags,
  isReservedTag,
  ownership,
  planChanges,
  tagsOfNew,
  type ObservedUser,
  type Rules,
} from '../../../src/account/index.ts';
import {
  edgeKey,
  fullQuota,
  readReference,
  typeOfPolicy,
  withEdge,
  withoutEdge,
} from '../../../src/entitlement/index.ts';
import { refusesEntitlement, refusesUser } from '../../../src/guard/index.ts';
import type { AccountWrite, EntitlementReference, Refusal } from '../../../src/idhub/index.ts';
import { checkAttributes, isWritten, maxTags, sameName } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { declaredOf, memoryOf, ownerOf } from '../../controllers/account/index.ts';
import { givenPolicies } from '../../controllers/binding/index.ts';
import type { UsableConnection } from '../../controllers/connection/index.ts';
import type { Named } from './note.ts';
import { accountFates } from './reasons.ts';

/** What AWS would refuse, the guard or the schema, told before anything is written. All of it is pure. */

export function refused(kind: Refusal['kind'], message: string): Refusal {
  return { kind, message };
}

/** Names and values, whoever's they are. */
export function checkValues(
  write: AccountWrite,
  current: Readonly<Record<string, string>>,
  { schema }: Pick<UsableConnection, 'schema'>,
): Refusal | undefined {
  const { userName, path, attributes = {}, password, externalId } = write;
  if (userName !== undefined && !/^[\w+=,.@-]{1,64}$/.test(userName)) {
    return refused('invalidValue', 'userName must be 1 to 64 letters, digits or any of _+=,.@-');
  }
  if (path !== undefined && (path.length > 512 || !/^(\/|\/[!-~]+\/)$/.test(path))) {
    return refused('invalidValue', 'path must be / or begin and end with /, and have at most 512 characters');
  }
  // `Password` of `CreateLoginProfile` (IAM API reference).
  if (password?.kind === 'given' && !/^[\t\n\r\u0020-\u00ff]{1,128}$/.test(password.password)) {
    return refused('invalidValue', 'a password has 1 to 128 characters of Latin-1 (U+0020 to U+00FF)');
  }
  if (typeof externalId === 'string' && externalId.length > 1024) {
    return refused('invalidValue', 'externalId has at most 1,024 characters');
  }
  const values = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== null);
  const [problem] = checkAttributes(schema, Object.fromEntries(values));
  if (problem !== undefined) {
    return refused('invalidValue', problem);
  }
  for (const [name, value] of Object.entries(attributes)) {
    const definition = schema.get(name);
    if (typeof value === 'string' && value.length > 4096) {
      return refused('invalidValue', `attribute "${name}" has at most 4,096 characters`);
    }
    if (definition === undefined && value === null) {
      return refused('invalidValue', `attribute "${name}" is not in the account schema`);
    }
    if (definition !== undefined && !isWritten(definition) && (current[name] ?? null) !== value) {
      const message = `attribute "${name}" is not written to AWS (syncDirection ${definition.syncDirection})`;
      return refused('mutability', message);
    }
  }
  return undefined;
}

/** Who must not be written: the communication user, whom the guard protects, and whom another installation has. */
export function checkUser(
  user: Pick<ObservedUser, 'userName'> & Partial<Pick<ObservedUser, 'tags'>>,
  { guard, communicationUser }: Pick<UsableConnection, 'guard' | 'communicationUser'>,
): Refusal | undefined {
  if (communicationUser !== undefined && sameName(communicationUser, user.userName)) {
    return refused('forbidden', `"${user.userName}" is the user that this connection works as`);
  }
  const protectedBy = refusesUser(guard, user.userName);
  return protectedBy === undefined ? undefined : refused('forbidden', protectedBy.message);
}

/** Whose a user is that no object here stands for. */
export function checkOwner(
  user: ObservedUser,
  account: AwsAccount,
  installation: string,
): Refusal | undefined {
  const owned = ownership(user.tags, ownerOf(account, installation));
  return 'value' in owned
    ? refused(
        'mutability',
        `IAM user "${user.userName}" belongs to ${owned.value}, by its tag aws.idhub.io/owner; have that owner let go of it`,
      )
    : undefined;
}

/** How an entitlement is written on an object. */
export function namedOf(reference: EntitlementReference): Named | Refusal {
  if ('type' in reference) {
    return { type: reference.type, name: reference.name };
  }
  const { arn } = reference;
  const [scheme, , service, , , ...rest] = arn.split(':');
  const resource = rest.join(':');
  const inline = /^user\/.*\/policy\/([^/]+)$/.exec(resource)?.[1];
  if (scheme !== 'arn' || service !== 'iam') {
    return refused('invalidValue', `"${arn}" is not the ARN of a group or policy`);
  }
  if (resource.startsWith('group/')) {
    return { type: 'Group', arn };
  }
  if (resource.startsWith('policy/')) {
    return { type: typeOfPolicy(arn), arn };
  }
  return inline === undefined
    ? refused('invalidValue', `"${arn}" is not the ARN of a group or policy`)
    : { type: 'InlinePolicy', name: inline };
}

/** Whether a user can be given these, one after the other, once others are taken away. */
export function checkGiven(
  user: Pick<ObservedUser, 'userName' | 'groups' | 'attachedPolicies' | 'inlinePolicies'>,
  { added, removed }: { readonly added: readonly Named[]; readonly removed: readonly Named[] },
  connection: UsableConnection,
): Refusal | undefined {
  const { guard, caller, quotas } = connection;
  let edges: Pick<ObservedUser, 'groups' | 'attachedPolicies' | 'inlinePolicies'> = user;
  for (const named of removed) {
    const read = readReference(named, caller);
    if (read.kind === 'read') {
      edges = Object.assign({}, edges, withoutEdge(edges, read.reference));
    }
  }
  for (const named of added) {
    const read = readReference(named, caller);
    if (read.kind === 'invalid') {
      return refused('invalidValue', read.message);
    }
    const { reference } = read;
    if (reference.type === 'InlinePolicy') {
      const message = `an inline policy ("${reference.name}") is given with its document, by an AwsAccount or AwsEntitlementBinding`;
      return refused('invalidValue', message);
    }
    const refusal = refusesEntitlement({
      guard,
      place: caller,
      // A boundary that is forced comes with the object.
      user: { userName: user.userName, boundary: guard.permissionsBoundary },
      policies: givenPolicies({ connection, reference }),
      document: undefined,
    });
    if (refusal !== undefined) {
      return refused('forbidden', refusal.message);
    }
    const full = fullQuota(edges, reference, undefined, quotas);
    if (full !== undefined) {
      return refused('quota', `${edgeKey(reference)} does not fit: ${full}`);
    }
    const { type, name } = reference;
    edges = Object.assign({}, edges, withEdge(edges, { type, name, arn: reference.arn ?? name }, undefined));
  }
  return undefined;
}

/** What a user that is to be made could not be made with. */
export function checkMaking(
  account: AwsAccount,
  connection: UsableConnection,
  installation: string,
): Refusal | undefined {
  const { usersQuota, snapshots, caller } = connection;
  const rules = rulesOf(connection);
  const declared = declaredOf(account, connection.defaults);
  const desired = desiredTags(declared, ownerOf(account, installation), rules, undefined, undefined);
  const [problem] = desired.problems;
  if (problem !== undefined) {
    return refused(fateOf(problem.reason), problem.message);
  }
  const tags = tagsOfNew(desired, rules).size;
  if (tags > maxTags) {
    return refused('quota', `the user would get ${tags} tags, and IAM allows ${maxTags}`);
  }
  const used = snapshots.current?.size ?? 0;
  return usersQuota !== undefined && used >= usersQuota
    ? refused(
        'quota',
        `AWS account ${caller.accountId} has ${used} users, and its quota (Users) is ${usersQuota}`,
      )
    : undefined;
}

/** What of a changed object could not be brought to its user, and could before. */
export function checkChange(
  before: AwsAccount | undefined,
  after: AwsAccount,
  user: ObservedUser,
  connection: UsableConnection,
  options: { readonly installation: string; readonly now: number },
): Refusal | undefined {
  const problems = (account: AwsAccount) => problemsOf(account, user, connection, options);
  const known = new Set(before === undefined ? [] : problems(before).map(({ message }) => message));
  const news = problems(after).find(({ message }) => !known.has(message));
  return news === undefined ? undefined : refused(fateOf(news.reason), news.message);
}

function problemsOf(
  account: AwsAccount,
  user: ObservedUser,
  connection: UsableConnection,
  { installation, now }: { readonly installation: string; readonly now: number },
): ReturnType<typeof planChanges>['problems'] {
  const declared = declaredOf(account, connection.defaults);
  const named = connection.snapshots.current?.byName(declared.userName);
  return planChanges({
    declared,
    owner: ownerOf(account, installation),
    awsAccount: connection.caller.accountId,
    rules: rulesOf(connection),
    applied: memoryOf(account).applied,
    user,
    nameTakenBy: named !== undefined && named.userId !== user.userId ? named : undefined,
    auditDue: false,
    now,
  }).problems;
}

function fateOf(reason: keyof typeof accountFates): Refusal['kind'] {
  const fate = accountFates[reason];
  return fate === 'open' ? 'conflict' : fate;
}

function rulesOf({ schema, settings }: UsableConnection): Rules {
  const protectedTags = settings.protectedTags.filter((tag) => !isReservedTag(tag));
  return { schema, protectedTags, disableWith: settings.disableWith };
}
