import {
  accountCollection,
  accountToCreate,
  accountToPatch,
  accountToReplace,
  render,
  renderContext,
  unknownOf,
  type AccountKind,
  type AccountWrite,
  type DirectoryAccount,
  type DirectoryView,
} from '../../../src/idhub/index.ts';
import type { Versions } from '../../../src/scim/index.ts';
import { cataloguesOf, type Endpoint, type Written } from './endpoint.ts';
import { doneOf } from './problems.ts';
import {
  latestOr,
  lookUp,
  requireVersion,
  type AccountKinds,
  type Found,
  type Kinds,
  type Scene,
} from './scene.ts';

/** IAM users, as the vendor's `Account` or as the standard's `User`. */
export function accountEndpoint(
  kinds: Kinds,
  path: '/Account' | '/Users',
  which: keyof AccountKinds,
): Endpoint {
  const kindIn = ({ schema }: Pick<DirectoryView, 'schema'>): AccountKind => kinds.of(schema)[which];

  const told = (scene: Scene, view: DirectoryView, account: DirectoryAccount): Found => {
    const kind = kindIn(view);
    const context = renderContext(view, scene.base);
    return {
      type: kind.type,
      id: account.userId,
      version: account.version,
      resource: render(kind, account, context),
      unknown: unknownOf(kind)(account, context),
    };
  };

  const find = (scene: Scene, id: string) =>
    lookUp(scene, (view) => view.account(id), `There is no ${which} with this id.`);

  const change = async (
    scene: Scene,
    id: string,
    versions: Versions | undefined,
    read: (account: DirectoryAccount, view: DirectoryView) => Promise<AccountWrite | undefined>,
  ): Promise<Written> => {
    const { view, found } = await find(scene, id);
    requireVersion(versions, found.version);
    const write = await read(found, view);
    if (write === undefined) {
      return { status: 200, found: told(scene, view, found), id };
    }
    const { account } = doneOf(await scene.directory.change(id, write, scene.context(versions)));
    return {
      status: 200,
      id,
      found: account && told(scene, latestOr(scene, view), account),
    };
  };

  return {
    path,
    type: (schema) => kindIn({ schema }).type,
    all: async ({ directory, signal, base }) => {
      const view = await directory.view(signal);
      return accountCollection(view, kindIn(view), base);
    },
    one: async (scene, id) => {
      const { view, found } = await find(scene, id);
      return told(scene, view, found);
    },
    create: async (scene, body) => {
      const { directory } = scene;
      const view = directory.latest();
      const write = await accountToCreate(body, { kind: kindIn(view), ...cataloguesOf(scene, view) });
      const { account } = doneOf(await directory.create(write, scene.context(undefined)));
      if (account === undefined) {
        throw new Error(`an account was made and is not there: ${write.userName}`);
      }
      return { status: 201, found: told(scene, latestOr(scene, view), account), id: account.userId };
    },
    replace: (scene, id, body, versions) =>
      change(scene, id, versions, (account, view) =>
        accountToReplace(body, account, { kind: kindIn(view), ...cataloguesOf(scene, view) }),
      ),
    patch: (scene, id, body, versions) =>
      change(scene, id, versions, (account, view) =>
        accountToPatch(body, account, { kind: kindIn(view), ...cataloguesOf(scene, view) }),
      ),
    remove: async (scene, id, versions) => {
      const act = () => scene.directory.remove(id, scene.context(versions));
      let outcome = await act();
      if (outcome.kind === 'refused' && outcome.refusal.kind === 'missing') {
        // What answers may know less than a reading that is complete: nobody takes it for a deletion before.
        await find(scene, id);
        outcome = await act();
      }
      doneOf(outcome);
      return { status: 204, found: undefined, id };
    },
  };
}
