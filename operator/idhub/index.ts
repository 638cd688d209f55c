import type { Registry } from 'prom-client';
import { IdhubConnection, type IdhubLink, type ResourceAttributes } from '../../src/idhub/index.ts';
import type { Clock, Logger, Manager } from '../runtime/index.ts';
import { sendOverHttp } from './http.ts';
import { createLinkMetrics } from './metrics.ts';
import { IdhubSecret } from './secret.ts';
import { keepLooking } from './task.ts';

export interface IdhubLinkOptions {
  readonly manager: Pick<Manager, 'client' | 'leading' | 'onLeading'>;
  readonly registry: Registry;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly protectSecret: (value: string, life?: 'passing') => void;
  /** The operator's own. */
  readonly namespace: string;
  /** Name of the Secret; undefined where IDHub is not configured. */
  readonly secret: string | undefined;
  /** Between two looks, while all is well. */
  readonly intervalMs: number;
  readonly version: string;
  /** Attributes that the connector has. */
  readonly resources: () => ResourceAttributes;
}

/**
 * The connector's side of IDHub. Only the leader signs in there, since refresh tokens rotate; nothing else of
 * the operator waits for it.
 */
export function createIdhubLink(options: IdhubLinkOptions): IdhubLink {
  const { manager, clock, random, logger, registry, namespace, secret, version } = options;
  const metrics = createLinkMetrics({ registry, report: () => link.report() });
  const link = new IdhubConnection({
    secret:
      secret === undefined ? undefined : new IdhubSecret({ client: manager.client, namespace, name: secret }),
    send: sendOverHttp({ clock, userAgent: `idhub-aws-connector/${version}` }),
    clock,
    random,
    protectSecret: options.protectSecret,
    resources: options.resources,
    observe: metrics.observe,
    leads: () => manager.leading,
    intervalMs: options.intervalMs,
  });
  if (secret !== undefined) {
    manager.onLeading((signal) => keepLooking({ link, clock, logger, signal }));
  }
  return link;
}
