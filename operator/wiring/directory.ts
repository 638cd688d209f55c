import type { Directories } from '../../src/idhub/index.ts';
import { ReadingComparison } from '../controllers/connection/index.ts';
import {
  Catalogues,
  KubernetesDirectories,
  SnapshotViews,
  type DirectoryWrites,
  type LatestViews,
} from '../directory/index.ts';
import type { Parts } from './parts.ts';

/** What clients of the port see of AWS accounts and ask for, on the objects of the cluster. */
export function directoriesOf(parts: Parts, writesOf: (views: LatestViews) => DirectoryWrites): Directories {
  const { accounts, clock, config, connections, engine, installation, logger, manager, registry } = parts;
  const views = new SnapshotViews({
    connections,
    accounts,
    registry,
    comparison: new ReadingComparison({
      connections,
      clock,
      logger,
      missing: (...reading) => engine.missing(...reading),
    }),
    installation,
    clock,
    leading: () => manager.leading,
    maxAgeMs: config.listMaxAgeMs,
  });
  const catalogues = new Catalogues({ views, clock, intervalMs: config.snapshotIntervalMs });
  return new KubernetesDirectories({ connections, views, catalogues, writes: writesOf(views) });
}
