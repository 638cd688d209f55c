import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export interface OriginsOptions {
  /** Where clients reach the port, such as `https://aws.example.com/idhub`; undefined: as this process can tell. */
  readonly publicUrl: string | undefined;
  /** Addresses and networks (`10.0.0.0/8`) whose `X-Forwarded-*` is believed. */
  readonly trustedProxies: readonly string[];
}

const hostPattern = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::\d{1,5})?$/i;

/** Where requests come from and where clients think they go, of which a client can write what it likes. */
export class Origins {
  readonly #publicUrl: string | undefined;
  readonly #trusted: BlockList;
  #here = '';

  /** @throws {Error} where one of the proxies is no address and no network */
  constructor({ publicUrl, trustedProxies }: OriginsOptions) {
    this.#publicUrl = publicUrl?.replace(/\/+$/, '');
    this.#trusted = networksOf(trustedProxies);
  }

  /** Told by the server once it listens: what is said where nothing better is known. */
  listensAt(origin: string): void {
    this.#here = origin;
  }

  /** The address of the client: the last one in `X-Forwarded-For` that is no trusted proxy, if a trusted one asks. */
  addressOf(request: IncomingMessage): string {
    let address = plain(request.socket.remoteAddress ?? '');
    const hops = listed(request, 'x-forwarded-for');
    while (hops.length > 0 && this.#trusts(address)) {
      const before = plain(hops.pop()?.trim() ?? '');
      if (isIP(before) === 0) {
        return address;
      }
      address = before;
    }
    return address;
  }

  /**
   * Scheme, host and what comes before our paths, without a slash at the end. `Host` is never believed, and
   * `X-Forwarded-Proto` and `-Host` only of a trusted proxy, where no address is configured.
   */
  baseOf(request: IncomingMessage): string {
    if (this.#publicUrl !== undefined) {
      return this.#publicUrl;
    }
    const host = listed(request, 'x-forwarded-host').at(-1)?.trim() ?? '';
    const scheme = listed(request, 'x-forwarded-proto').at(-1)?.trim().toLowerCase() ?? '';
    if (
      this.#trusts(plain(request.socket.remoteAddress ?? '')) &&
      hostPattern.test(host) &&
      ['http', 'https'].includes(scheme)
    ) {
      return `${scheme}://${host}`;
    }
    return this.#here;
  }

  #trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** @throws {Error} where one is no address and no network */
function networksOf(texts: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const text of texts) {
    const [address = '', prefix, ...more] = text.split('/');
    const family = isIP(address);
    const type = family === 4 ? 'ipv4' : 'ipv6';
    const most = family === 4 ? 32 : 128;
    if (family === 0 || more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
      throw new Error(`"${text}" is no address and no network such as 10.0.0.0/8`);
    }
    if (Number(prefix ?? 0) > most) {
      throw new Error(`"${text}" has a prefix of more than ${most} bits`);
    }
    if (prefix === undefined) {
      networks.addAddress(address, type);
    } else {
      networks.addSubnet(address, Number(prefix), type);
    }
  }
  return networks;
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function listed(request: IncomingMessage, name: string): string[] {
  return (request.headersDistinct[name] ?? []).flatMap((each) => each.split(','));
}
