import type {
  AccountWrite,
  Directory,
  DirectoryAccount,
  DirectoryView,
  PasswordWrite,
  WriteContext,
  WriteOutcome,
} from '../model.ts';
import type { AccountSummary, Ending, NewAccount, Operation, Password, Target } from './model.ts';
import type { OperationRecord } from './ports.ts';

/** Whom an operation is about, or why it is about nobody. */
export type Found =
  | { readonly kind: 'new' }
  | { readonly kind: 'account'; readonly account: { readonly id: string; readonly userName: string } }
  | { readonly kind: 'missing'; readonly ending: Ending };

/** @param record what an earlier try of it has kept; whom it has found counts */
export function findAccount(
  operation: Operation,
  record: OperationRecord | undefined,
  latest: () => Pick<DirectoryView, 'account' | 'accountByName'>,
): Found {
  if (operation.kind === 'create') {
    return { kind: 'new' };
  }
  if (record?.account !== undefined) {
    return { kind: 'account', account: record.account };
  }
  const account = lookUp(operation.account, latest());
  return account === undefined
    ? { kind: 'missing', ending: missing(operation.account) }
    : { kind: 'account', account: { id: account.userId, userName: account.userName } };
}

function lookUp(
  target: Target,
  view: Pick<DirectoryView, 'account' | 'accountByName'>,
): DirectoryAccount | undefined {
  return 'id' in target ? view.account(target.id) : view.accountByName(target.userName);
}

function missing(target: Target): Ending {
  const who = 'id' in target ? `with the id "${target.id}"` : `"${target.userName}"`;
  return { status: 'refused', reason: 'missing', message: `There is no IAM user ${who}.` };
}

/** What two operations must not have in common to be done at once: users, by id and by name, old and new. */
export function usersOf(
  operation: Operation,
  latest: () => Pick<DirectoryView, 'account' | 'accountByName'>,
): readonly string[] {
  const names = [
    ...(operation.kind === 'create' ? [operation.data.userName] : []),
    ...(operation.kind === 'update' && operation.data.userName !== undefined
      ? [operation.data.userName]
      : []),
    ...(operation.kind !== 'create' && 'userName' in operation.account ? [operation.account.userName] : []),
  ];
  const ids = operation.kind !== 'create' && 'id' in operation.account ? [operation.account.id] : [];
  const view = latest();
  const known = [
    ...names.map((name) => view.accountByName(name)),
    ...ids.map((id) => view.account(id)),
  ].filter((account) => account !== undefined);
  return [
    ...new Set([
      ...ids.map((id) => `id ${id}`),
      ...names.map((name) => `name ${name.toLowerCase()}`),
      ...known.flatMap(({ userId, userName }) => [`id ${userId}`, `name ${userName.toLowerCase()}`]),
    ]),
  ];
}

/** Asks for it once. Asked again with the same context, it joins what is under way. */
export function perform(
  operation: Operation,
  id: string | undefined,
  directory: Pick<Directory, 'create' | 'change' | 'remove'>,
  context: WriteContext,
): Promise<WriteOutcome> {
  if (operation.kind === 'create') {
    return directory.create(creation(operation.data), context);
  }
  if (id === undefined) {
    throw new Error('an operation on nobody');
  }
  switch (operation.kind) {
    case 'delete':
      return directory.remove(id, context);
    case 'update':
      return directory.change(id, operation.data, context);
    case 'enable':
    case 'disable':
      return directory.change(id, { active: operation.kind === 'enable' }, context);
    case 'resetPassword':
      return directory.change(id, { password: passwordOf(operation.password ?? {}) }, context);
    case 'addEntitlement':
      return directory.change(id, { entitlements: { add: operation.entitlements, remove: [] } }, context);
    case 'removeEntitlement':
      return directory.change(id, { entitlements: { add: [], remove: operation.entitlements } }, context);
  }
}

function creation({
  password,
  entitlements = [],
  ...data
}: NewAccount): AccountWrite & { readonly userName: string } {
  return {
    ...data,
    ...(password === undefined ? {} : { password: passwordOf(password) }),
    ...(entitlements.length === 0 ? {} : { entitlements: { add: entitlements, remove: [] } }),
  };
}

function passwordOf({ value, resetRequired }: Password): PasswordWrite {
  const reset = resetRequired === undefined ? {} : { resetRequired };
  return value === undefined ? { kind: 'generated', ...reset } : { kind: 'given', password: value, ...reset };
}

/**
 * How an operation ends by an outcome; undefined where it does not end by it.
 * @param begun it had begun before with this account: gone by now is what a deletion wanted
 * @param over where others stand in the way of it, it is not tried again
 */
export function endingOf(
  operation: Operation,
  outcome: WriteOutcome,
  found: { readonly id: string; readonly userName: string } | undefined,
  { begun, over }: { readonly begun: boolean; readonly over: boolean },
): Ending | undefined {
  if (outcome.kind === 'pending') {
    return undefined;
  }
  if (outcome.kind === 'done') {
    return { status: 'done', account: summaryOf(operation, outcome.account, found) };
  }
  const { kind, message } = outcome.refusal;
  if (kind === 'missing' && begun && operation.kind === 'delete' && found !== undefined) {
    return { status: 'done', account: summaryOf(operation, undefined, found) };
  }
  return kind === 'conflict' && !over
    ? undefined
    : { status: 'refused', reason: kind, message: message.slice(0, 1_000) };
}

function summaryOf(
  operation: Operation,
  account: DirectoryAccount | undefined,
  found: { readonly id: string; readonly userName: string } | undefined,
): AccountSummary {
  // Of a deletion alike, whether this or an earlier try of it has seen the user off.
  if (operation.kind !== 'delete' && account !== undefined) {
    return { id: account.userId, userName: account.userName, arn: account.arn };
  }
  const known =
    found ?? (account === undefined ? undefined : { id: account.userId, userName: account.userName });
  if (known === undefined) {
    throw new Error('an operation is done, and nobody is told of');
  }
  return { id: known.id, userName: known.userName };
}
