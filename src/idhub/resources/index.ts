export { accountKind, type AccountKind } from './account.ts';
export { entitlementKind } from './entitlement.ts';
export { groupKind } from './group.ts';
export { guideFacts, type GuideFacts } from './guide.ts';
export {
  commonFields,
  render,
  renderContext,
  requireKnown,
  unknownOf,
  unread,
  type Field,
  type Kind,
  type Read,
  type RenderContext,
} from './kind.ts';
export { entitlementTypes } from './shared-fields.ts';
export type { Place, Slot } from './slots.ts';
export { userKind } from './user.ts';
