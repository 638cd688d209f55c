export { ensureKeycloak, keycloakVersion } from './distribution.ts';
export { requestToken, startKeycloak, type Keycloak, type TokenAnswer } from './keycloak.ts';
export { makeTenant, offlineTokens, type Tenant, type TenantOptions } from './tenant.ts';
