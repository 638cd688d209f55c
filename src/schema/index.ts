export {
  accountSchema,
  checkAttributes,
  type AccountSchema,
  type AttributeChange,
  type AttributeDefinition,
  type SyncDirection,
} from './attributes.ts';
export { decodeValue, encodeValue, isContinuation, partKey } from './encoding.ts';
export { fold, maxTags, planTags, type Tag, type TagPlan } from './tags.ts';
