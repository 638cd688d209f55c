export {
  createAwsApi,
  type AwsApi,
  type AwsApiOptions,
  type AwsCredentials,
  type CallOptions,
  type CallRecord,
  type Pacer,
  type Priority,
} from './api.ts';
export { AwsError, ignoring, isAwsError, type AwsErrorKind } from './errors.ts';
export type { InputOf, Operation, OutputOf, Service } from './operations.ts';
export { pages } from './pages.ts';
export { features, minimalPolicy, type PolicyDocument } from './policy.ts';
