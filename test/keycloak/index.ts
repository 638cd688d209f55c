export { ensureKeycloak, keycloakVersion } from './distribution.ts';
export { startKeycloak, type Keycloak, type TokenAnswer } from './keycloak.ts';
