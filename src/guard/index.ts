export {
  burstAt,
  freshBurst,
  goesAt,
  isBurst,
  readBurst,
  takeOne,
  withReleased,
  writeBurst,
  type Approval,
  type Burst,
} from './burst.ts';
export { powerArn, powerOf } from './document.ts';
export { namespaceAllowed } from './namespaces.ts';
export {
  guardOf,
  refusesBoundary,
  refusesEntitlement,
  refusesUser,
  type GivenPolicy,
  type Guard,
  type Refusal,
} from './rules.ts';
