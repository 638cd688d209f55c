export { PolicyCatalogue } from './catalogue.ts';
export { documentFingerprint, inlinePolicy } from './document.ts';
export { EdgeDesk, findEdge, isUserMissing, withEdge, withoutEdge, type Edge } from './edges.ts';
export { listAttachedPolicies, listGroups } from './lists.ts';
export { fullQuota } from './quota.ts';
export {
  edgeKey,
  hasPath,
  inlineArn,
  isOfNamed,
  lastName,
  nameInArn,
  namedKey,
  pathInArn,
  readReference,
  typeOfPolicy,
  type Entitlement,
  type EntitlementType,
  type Place,
  type Reference,
} from './reference.ts';
