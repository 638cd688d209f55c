export { connectorMount, type ConnectorMountOptions, type ConnectorTarget, type Standing } from './mount.ts';
