export { Catalogues, type CataloguesOptions } from './catalogues.ts';
export { KubernetesDirectories, LateDirectories } from './directories.ts';
export type { DirectoryWrites, LatestViews } from './ports.ts';
export { SnapshotViews, type SnapshotViewsOptions } from './views.ts';
export {
  edgeMayHaveMoved,
  hasUnfinishedWrite,
  KubernetesWrites,
  Waiting,
  WriteFinisher,
  writeMayHaveMoved,
} from './writes/index.ts';
