export { startKeycloak, type Keycloak, type TokenAnswer } from './keycloak.ts';
export { makeTenant, offlineTokens, type Tenant, type TenantOptions } from './tenant.ts';
