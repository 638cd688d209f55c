export { attributeNames } from './documents.ts';
export {
  connectorHealth,
  ownStateNames,
  readStateNames,
  type ConnectorHealth,
  type ConnectorState,
  type StateNames,
} from './health.ts';
export { connectorMetadata, type ConnectorDescription } from './metadata.ts';
