import { expect, test } from '@jest/globals';
import { advertisedAddress } from '../../operator/advertised.ts';

const pod = { address: '10.1.2.3', family: 'IPv4', internal: false } as const;
const loopback = { address: '127.0.0.1', family: 'IPv4', internal: true } as const;
const local = { address: 'fe80::1', family: 'IPv6', internal: false } as const;
const six = { address: 'fd00::3', family: 'IPv6', internal: false } as const;
const all = { lo: [loopback], eth0: [local, six, pod] };

test.each([
  ['as given', { host: '192.0.2.1', port: 1 }, '127.0.0.1', all, '192.0.2.1:1'],
  ['as given, IPv6', { host: 'fd00::9', port: 1 }, '127.0.0.1', all, '[fd00::9]:1'],
  ['where it listens', undefined, '127.0.0.1', all, '127.0.0.1:7002'],
  ['where it listens, IPv6', undefined, '::1', all, '[::1]:7002'],
  ['the pod, of all addresses', undefined, '0.0.0.0', all, '10.1.2.3:7002'],
  ['the pod, of all addresses of both kinds', undefined, '::', all, '10.1.2.3:7002'],
  ['the pod, where it has IPv6 alone', undefined, '::', { eth0: [local, six] }, '[fd00::3]:7002'],
  ['nowhere by IPv4, where it has IPv6 alone', undefined, '0.0.0.0', { eth0: [six] }, undefined],
  ['nowhere without a network', undefined, '0.0.0.0', { lo: [loopback] }, undefined],
] as const)('%s', (_name, given, host, interfaces, expected) => {
  expect(advertisedAddress({ given, listens: { host, port: 0 }, port: 7_002, interfaces })).toBe(expected);
});
