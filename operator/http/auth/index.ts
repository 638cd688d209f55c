export { audience, KubernetesAccess, type Access, type KubernetesUser } from './kubernetes.ts';
export { nobodyKnown } from './nobody.ts';
