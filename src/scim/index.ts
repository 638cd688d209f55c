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
export { filterLanguage, filterValues, lookupOf } from './language.ts';
export { resourceOf, targetOf, valuesOf, type Target, type Values } from './path.ts';
export { projection, type Wanted } from './projection.ts';
export { readResource, type ReadResource } from './read.ts';
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
