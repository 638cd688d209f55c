import type { NetworkInterfaceInfo } from 'node:os';
import type { Address } from './config.ts';

export interface AdvertisedOptions {
  /** `--advertise-address`. */
  readonly given: Address | undefined;
  /** `--http-address`. */
  readonly listens: Address;
  /** The port that was bound. */
  readonly port: number;
  /** As `os.networkInterfaces` tells them. */
  readonly interfaces: NodeJS.Dict<readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[]>;
}

/**
 * HOST:PORT where other replicas reach this one: as given, else where it listens; of all addresses the first that is
 * not of this machine alone, which in a pod is the pod's. Undefined where there is none. Pure.
 */
export function advertisedAddress({
  given,
  interfaces,
  listens,
  port,
}: AdvertisedOptions): string | undefined {
  if (given !== undefined) {
    return joined(given.host, given.port);
  }
  if (listens.host !== '0.0.0.0' && listens.host !== '::') {
    return joined(listens.host, port);
  }
  const others = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .filter(({ address, internal }) => !internal && !address.startsWith('fe80:'));
  const found =
    others.find(({ family }) => family === 'IPv4') ?? (listens.host === '::' ? others[0] : undefined);
  return found === undefined ? undefined : joined(found.address, port);
}

function joined(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
