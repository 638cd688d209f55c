export {
  readBulk,
  runBulk,
  type BulkMethod,
  type BulkOperation,
  type BulkRequest,
  type BulkResult,
  type Changed,
} from './bulk.ts';
export { errorBody, ScimError, scimTypes, type ErrorBody, type ScimType } from './error.ts';
export {
  canonical,
  matches,
  parseFilter,
  pathPrefix,
  type Filter,
  type FilterAttribute,
  type FilterLanguage,
  type Lookup,
  type Match,
  type Value,
} from './filter/index.ts';
export { entityTag, fits, versionsOf, type Versions } from './etag.ts';
export { filterLanguage, filterValues, lookupOf } from './language.ts';
export { isObject, resourceOf, targetOf, valuesOf, type Target, type Values } from './path.ts';
export {
  applyPatch,
  type Asked,
  type Mention,
  type PatchedResource,
  type PatchOptions,
} from './patch/index.ts';
export { projection, type Wanted } from './projection.ts';
export { listResponse, readQuery, readSearch, readWanted, type ListQuery } from './query.ts';
export { readResource, type ReadResource } from './read.ts';
export { short } from './short.ts';
export {
  attribute,
  commonAttributes,
  resourceType,
  resourceTypeResource,
  schemaResource,
  schemasOf,
  type Attribute,
  type AttributeOptions,
  type JsonObject,
  type JsonValue,
  type ResourceType,
  type Schema,
  type SchemaExtension,
} from './schema.ts';
