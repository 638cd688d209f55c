import type { Registry } from 'prom-client';
import { Lists, type IdhubLink } from '../../src/idhub/index.ts';
import type { Config } from '../config.ts';
import type { LateDirectories } from '../directory/index.ts';
import type { HttpMetrics } from '../http-metrics.ts';
import {
  connectorMount,
  openApiMount,
  scimMounts,
  watchedDirectories,
  type ConnectorTarget,
  type Mount,
} from '../http/index.ts';
import type { Clock, Logger, Manager } from '../runtime/index.ts';
import { webhookOf } from './webhook.ts';

export interface MountParts {
  readonly config: Config;
  readonly manager: Manager;
  readonly target: ConnectorTarget;
  readonly directories: LateDirectories;
  readonly idhub: IdhubLink;
  readonly metrics: HttpMetrics;
  /** For metrics of single mounts. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string) => void;
  readonly version: string;
}

/** What there is for IDHub and other clients of the port. Called before the manager runs. */
export function mountsOf(parts: MountParts): readonly Mount[] {
  const { clock, config, idhub, logger, manager, metrics, target, version } = parts;
  const directories = watchedDirectories({
    directories: parts.directories,
    burst: config.http.shutoutBurst,
    clock,
    logger,
    countHeldBack: metrics.countHeldBack,
  });
  const lists = new Lists({ clock });
  manager.onLeading(() => {
    lists.begin();
    return Promise.resolve();
  });
  return [
    ...scimMounts({ directories, lists, clock, logger }),
    connectorMount({
      target,
      idhub,
      version,
      defaultConnection: config.http.defaultConnection,
      ...config.describe,
    }),
    webhookOf({ ...parts, directories }),
    openApiMount({ version }),
  ];
}
