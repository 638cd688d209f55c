export type { DirectoryWrites, LatestViews } from './ports.ts';
