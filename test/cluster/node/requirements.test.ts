import { expect, test } from '@jest/globals';
import { missingForNode, nodePath, packagesForImages, requireNode, type Machine } from './requirements.ts';

const programs = ['unshare', 'mount', 'ip', 'iptables', 'conntrack', 'containerd', 'ctr', 'runc', 'nsenter'];
const plugins = ['bridge', 'host-local', 'loopback', 'portmap'];

function machine(change: Partial<Machine> & { readonly without?: readonly string[] } = {}): Machine {
  const there = new Set([
    ...programs.map((each) => `/usr/sbin/${each}`),
    ...plugins.map((each) => `/usr/lib/cni/${each}`),
  ]);
  change.without?.forEach((each) => there.delete(each));
  return { platform: 'linux', root: true, path: '/bin:/usr/sbin', has: (path) => there.has(path), ...change };
}

test.each<[string, Machine, readonly (string | RegExp)[]]>([
  ['all is there', machine(), []],
  ['no root', machine({ root: false }), [/needs root.*sudo/]],
  [
    'no containerd',
    machine({ without: ['/usr/sbin/containerd', '/usr/sbin/ctr'] }),
    ['not there: containerd, ctr; apt-get install --no-install-recommends containerd'],
  ],
  [
    'a CNI plugin is missing, and iptables',
    machine({ without: ['/usr/lib/cni/bridge', '/usr/sbin/iptables'] }),
    [
      'not there: iptables, /usr/lib/cni/bridge; apt-get install --no-install-recommends iptables containernetworking-plugins',
    ],
  ],
  ['no root and no runc', machine({ root: false, without: ['/usr/sbin/runc'] }), [/needs root/, /runc/]],
  ['another system', machine({ platform: 'darwin' }), [/needs Linux.*darwin.*CLUSTER=kind/]],
])('%s', (_, given, expected) => {
  const missing = missingForNode(given);
  expect(missing).toHaveLength(expected.length);
  expected.forEach((each, index) => expect(missing[index]).toMatch(each));
});

test('all that is missing is said at once, and what else there is', () => {
  expect(() => requireNode(machine({ root: false, without: ['/usr/sbin/runc'] }))).toThrow(
    /cannot be a node:\n {2}- a node needs root.*\n {2}- not there: runc;.*\nCLUSTER=kind or CLUSTER=existing/s,
  );
  expect(() => requireNode(machine())).not.toThrow();
});

test('programs are looked for where a user does not look', () => {
  expect(nodePath('/bin')).toBe('/bin:/usr/local/sbin:/usr/sbin:/sbin');
  expect(nodePath(undefined)).toBe('/usr/local/sbin:/usr/sbin:/sbin');
});

test('what makes images is installed with what a node needs', () => {
  expect(packagesForImages(machine())).toEqual(['podman']);
  expect(packagesForImages(machine({ without: ['/usr/sbin/runc'] }))).toEqual(['runc', 'podman']);
  expect(packagesForImages(machine({ has: () => true }))).toEqual([]);
});
