export {
  accountSchema,
  checkAttributes,
  isWritten,
  type AccountSchema,
  type AttributeChange,
  type AttributeDefinition,
  type SyncDirection,
} from './attributes.ts';
export { decodeValue, encodeValue, isContinuation, partKey } from './encoding.ts';
export { fold, maxTags, maxTagValue, planTags, sameName, type Tag, type TagPlan } from './tags.ts';
