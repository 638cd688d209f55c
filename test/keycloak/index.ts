export { startKeycloak, type Keycloak, type TokenAnswer } from './keycloak.ts';
export {
  makeCaller,
  makeTenant,
  offlineTokens,
  rotateKeys,
  type Tenant,
  type TenantOptions,
} from './tenant.ts';
