import {
  groupCollection,
  groupKind,
  membersToPatch,
  membersToReplace,
  render,
  renderContext,
  unknownOf,
  type DirectoryEntitlement,
  type DirectoryView,
  type MemberWrite,
} from '../../../src/idhub/index.ts';
import { ScimError, type Versions } from '../../../src/scim/index.ts';
import { notDone, type Endpoint, type Written } from './endpoint.ts';
import { doneOf, notYet } from './problems.ts';
import { latestOr, lookUp, requireVersion, type Found, type Scene } from './scene.ts';

/** Members that are changed side by side. */
const atOnce = 8;

const notMade = 'IAM groups are made and deleted in AWS; here their members change.';

/** IAM groups: read, and their members written. */
export function groupEndpoint(): Endpoint {
  return {
    path: '/Groups',
    type: () => groupKind.type,
    all: async ({ directory, signal, base }) => groupCollection(await directory.view(signal), base),
    one: async (scene, id) => {
      const { view, found } = await find(scene, id);
      return told(scene, view, found);
    },
    create: () => notDone(notMade),
    replace: (scene, id, body, versions) =>
      change(scene, id, versions, (group, view) => membersToReplace(body, group, view), true),
    patch: (scene, id, body, versions, wantsToSee) =>
      change(scene, id, versions, (group, view) => membersToPatch(body, group, view), wantsToSee),
    remove: () => notDone(notMade),
  };
}

function find(scene: Scene, id: string) {
  return lookUp(scene, (view) => view.group(id), 'There is no group with this id.');
}

function told({ base }: Scene, view: DirectoryView, group: DirectoryEntitlement): Found {
  const context = renderContext(view, base);
  return {
    type: groupKind.type,
    id: group.id,
    version: group.version,
    resource: render(groupKind, group, context),
    unknown: unknownOf(groupKind)(group, context),
  };
}

/** @param wantsToSee without it the answer has no body: thousands of members are nothing to send each time */
async function change(
  scene: Scene,
  id: string,
  versions: Versions | undefined,
  read: (group: DirectoryEntitlement, view: DirectoryView) => readonly MemberWrite[],
  wantsToSee: boolean,
): Promise<Written> {
  const { view, found } = await find(scene, id);
  requireVersion(versions, found.version);
  await changeMembers(scene, read(found, view));
  if (!wantsToSee) {
    return { status: 204, found: undefined, id };
  }
  const after = latestOr(scene, view);
  return { status: 200, found: told(scene, after, after.group(id) ?? found), id };
}

/**
 * Changes members, each by a write of its own; after one that is refused or fails, no other is begun.
 * @throws {ScimError} of the first that was refused, with how many were changed before; 503 where some are not done yet
 */
async function changeMembers(scene: Scene, writes: readonly MemberWrite[]): Promise<void> {
  const { directory } = scene;
  const context = scene.context(undefined);
  const left = writes.values();
  const failures: Error[] = [];
  const pending: Error[] = [];
  let done = 0;
  const work = async (): Promise<void> => {
    for (const { id, write } of left) {
      try {
        const outcome = await directory.change(id, write, context);
        if (outcome.kind === 'pending') {
          pending.push(notYet(outcome));
        } else {
          doneOf(outcome);
          done += 1;
        }
      } catch (error) {
        failures.push(error as Error);
      }
      if (failures.length > 0) {
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, writes.length) }, work));
  const [failed] = [...failures, ...pending];
  if (!(failed instanceof ScimError) || writes.length === 1) {
    if (failed !== undefined) {
      throw failed;
    }
    return;
  }
  const { retryAfterMs, scimType, status, message } = failed;
  throw new ScimError(
    scimType ?? status,
    `${message} ${done} of ${writes.length} members were changed.`,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}
