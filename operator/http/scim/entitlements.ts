import { entitlementCollection, entitlementKind, render } from '../../../src/idhub/index.ts';
import { ScimError } from '../../../src/scim/index.ts';
import { notDone, type Endpoint } from './endpoint.ts';

const notMade =
  'Groups and policies are made, changed and deleted in AWS; who has them is written by "entitlements" of an Account.';

/** Everything that an IAM user can be given; read only. */
export function entitlementEndpoint(): Endpoint {
  return {
    path: '/Entitlement',
    type: () => entitlementKind.type,
    all: async ({ directory, signal, base }) =>
      entitlementCollection(await directory.catalogue(signal), base),
    one: async ({ directory, signal, base }, id) => {
      const found = (await directory.catalogue(signal)).entitlement(id);
      if (found === undefined) {
        throw new ScimError(404, 'There is no entitlement with this id.');
      }
      const context = {
        base,
        groupByArn: () => undefined,
        membersKnown: () => false,
        members: () => undefined,
      };
      return {
        type: entitlementKind.type,
        id,
        version: found.version,
        resource: render(entitlementKind, found, context),
        unknown: [],
      };
    },
    create: () => notDone(notMade),
    replace: () => notDone(notMade),
    patch: () => notDone(notMade),
    remove: () => notDone(notMade),
  };
}
