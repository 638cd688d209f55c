export type { WriteDeskOptions } from './desk.ts';
export { WriteFinisher } from './finisher.ts';
export { edgeMayHaveMoved, hasUnfinishedWrite, writeMayHaveMoved } from './watch.ts';
export { Waiting } from './waiting.ts';
export { KubernetesWrites } from './writes.ts';
