import { ScimError, applyPatch, isObject, readResource, type JsonValue } from '../../scim/index.ts';
import {
  DirectoryUnavailableError,
  type AccountWrite,
  type DirectoryAccount,
  type DirectoryEntitlement,
  type DirectoryView,
} from '../model.ts';
import { groupKind, render, renderContext } from '../resources/index.ts';

/** What is asked of one user. */
export interface MemberWrite {
  readonly id: string;
  readonly write: AccountWrite;
}

/**
 * Who goes into a group and who goes out, by the body of a PUT; without `members` nobody does.
 * @throws {ScimError} `invalidSyntax`; `invalidValue` for somebody whom there is not; `mutability` for another name
 * @throws {DirectoryUnavailableError} where it is not known who is in the group
 */
export function membersToReplace(
  body: unknown,
  group: DirectoryEntitlement,
  view: DirectoryView,
): readonly MemberWrite[] {
  const { values } = readResource(body, groupKind.type);
  requireSameName(body, group);
  if (!values.has('members')) {
    return [];
  }
  const wanted = idsIn(values.get('members'));
  const present = new Set(membersOf(group, view).map(({ userId }) => userId));
  return writesOf(group, view, {
    wanted: new Set([...wanted].filter((id) => !present.has(id))),
    gone: [...present].filter((id) => !wanted.has(id)),
  });
}

/**
 * As `membersToReplace`, of a PATCH. Somebody who is not in the group goes out of it without a word, and a removal
 * that names nobody is refused.
 * @throws as `membersToReplace`; `noTarget`, `invalidPath`, `invalidFilter` as RFC 7644, table 9 has it
 */
export function membersToPatch(
  body: unknown,
  group: DirectoryEntitlement,
  view: DirectoryView,
): readonly MemberWrite[] {
  const present = membersOf(group, view).map(({ userId }) => userId);
  const { type } = groupKind;
  const resource = render(groupKind, group, renderContext(view, ''));
  const { values, asked } = applyPatch({
    type,
    resource,
    body,
    fixed: ['displayName'],
    guarded: ['members'],
  });
  const members = asked.get('members');
  if (members === undefined) {
    return [];
  }
  const after = idsIn(values.get('members'));
  const said = idsIn(members.mentions.map(({ value }) => value));
  const before = new Set(present);
  // One of ours may be about to leave: that it is there now says nothing of what is asked of it.
  const leaving = (id: string): boolean => said.has(id) && view.account(id)?.managed === true;
  const wanted = new Set([...after].filter((id) => !before.has(id) || leaving(id)));
  const gone = [...new Set([...present, ...said])].filter((id) => !after.has(id));
  return writesOf(group, view, { wanted, gone });
}

function writesOf(
  { entitlementArn: arn, displayName }: DirectoryEntitlement,
  view: DirectoryView,
  { wanted, gone }: { readonly wanted: ReadonlySet<string>; readonly gone: readonly string[] },
): readonly MemberWrite[] {
  for (const id of wanted) {
    if (view.account(id) === undefined) {
      throw new ScimError(
        'invalidValue',
        `There is no user with the id "${id.slice(0, 128)}" who could be in the group ${displayName}.`,
      );
    }
  }
  const there = gone.filter((id) => view.account(id) !== undefined);
  return [
    ...[...wanted].map((id) => ({ id, write: { entitlements: { add: [{ arn }], remove: [] } } })),
    ...there.map((id) => ({ id, write: { entitlements: { add: [], remove: [{ arn }] } } })),
  ];
}

/** @throws {DirectoryUnavailableError} a member whom nobody has seen could not go */
function membersOf(group: DirectoryEntitlement, view: DirectoryView): readonly DirectoryAccount[] {
  if (view.accounts().some(({ entitlements }) => entitlements === undefined)) {
    throw new DirectoryUnavailableError(
      `Who is in the group ${group.displayName} could not be read: its members cannot be changed now.`,
      { retryAfterMs: 60_000 },
    );
  }
  return view.members(group.id);
}

function idsIn(value: JsonValue | undefined): ReadonlySet<string> {
  const elements = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  return new Set(
    elements.map((element) => {
      const id = isObject(element) ? element['value'] : undefined;
      if (typeof id !== 'string' || id === '') {
        throw new ScimError('invalidValue', 'A member has a "value", the id of a user.');
      }
      return id;
    }),
  );
}

/** A client that would rename a group is told that it did not, and not that it did. */
function requireSameName(body: unknown, { displayName }: DirectoryEntitlement): void {
  const given = isObject(body)
    ? Object.entries(body).find(([key]) => key.toLowerCase() === 'displayname')?.[1]
    : undefined;
  if (typeof given === 'string' && given !== displayName) {
    throw new ScimError('mutability', `The group is called ${displayName}; groups are renamed in AWS.`);
  }
}
