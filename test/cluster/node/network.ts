import { networkInterfaces } from 'node:os';

/** Addresses of one node: a private network of its own, reached from the machine through one link. */
export interface NodeNetwork {
  /** The machine's end of the link; the API server listens on it. */
  readonly host: string;
  /** The node's end of the link. */
  readonly node: string;
  readonly link: string;
  readonly pods: string;
  /** The first address of `pods`. */
  readonly podGateway: string;
  readonly services: string;
}

/** The n-th network, n from 0 to 255. Pure. */
export function networkOf(n: number): NodeNetwork {
  return {
    host: `10.99.${n}.1`,
    node: `10.99.${n}.2`,
    link: `idhub${n}`,
    pods: `10.98.${n}.0/24`,
    podGateway: `10.98.${n}.1`,
    services: `10.97.${n}.0/24`,
  };
}

/** One that this machine has no address in. */
export function freeNetwork(
  random: () => number = Math.random,
  taken: readonly string[] = Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).map(({ address }) => address),
  ),
): NodeNetwork {
  const start = Math.floor(random() * 256);
  for (let tries = 0; tries < 256; tries += 1) {
    const network = networkOf((start + tries) % 256);
    if (!taken.includes(network.host)) {
      return network;
    }
  }
  throw new Error('all of 10.99.0.0/16 is taken by nodes: end some (npm run cluster -- down)');
}
