export { Callers } from './callers.ts';
export { mayBeAsked } from './issuer.ts';
export { audience, KubernetesAccess, type Access, type KubernetesUser } from './kubernetes.ts';
export { OidcTokens } from './oidc.ts';
export { SecretCredentials } from './secret.ts';
