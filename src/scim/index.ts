export { errorBody, ScimError, scimTypes, type ErrorBody, type ScimType } from './error.ts';
export {
  canonical,
  matches,
  parseFilter,
  pathPrefix,
  type FilterAttribute,
  type FilterLanguage,
  type Match,
  type Value,
} from './filter/index.ts';
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
