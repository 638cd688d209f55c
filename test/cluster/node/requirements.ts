import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that a node needs, and the Debian package that brings each. */
const programs = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  iptables: 'iptables',
  conntrack: 'conntrack',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
} as const;

/** Where Debian's containernetworking-plugins puts them. */
export const cniDir = '/usr/lib/cni';
const cniPlugins = ['bridge', 'host-local', 'loopback', 'portmap'];

/** What this machine is, as far as a node asks. */
export interface Machine {
  readonly platform: string;
  readonly root: boolean;
  readonly has: (path: string) => boolean;
  readonly path: string;
}

export function thisMachine(environment: NodeJS.ProcessEnv): Machine {
  return {
    platform: process.platform,
    root: process.getuid?.() === 0,
    has: existsSync,
    path: nodePath(environment['PATH']),
  };
}

/** Where programs of a node are looked for: also where a user's PATH does not look. */
export function nodePath(path: string | undefined): string {
  return [...(path ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
    .filter((each) => each !== '')
    .join(delimiter);
}

/** Programs and plugins that are not there. */
function lacking(machine: Machine): readonly { readonly what: string; readonly package: string }[] {
  const dirs = machine.path.split(delimiter);
  return [
    ...Object.entries(programs)
      .filter(([program]) => !dirs.some((dir) => machine.has(join(dir, program))))
      .map(([what, name]) => ({ what, package: name })),
    ...cniPlugins
      .map((plugin) => join(cniDir, plugin))
      .filter((path) => !machine.has(path))
      .map((what) => ({ what, package: 'containernetworking-plugins' })),
  ];
}

/** Debian packages that a node needs and this machine lacks. Pure but for `Machine`. */
export function packagesForNode(machine: Machine): readonly string[] {
  return [...new Set(lacking(machine).map((each) => each.package))];
}

/** The same, with what makes images for it. */
export function packagesForImages(machine: Machine): readonly string[] {
  const there = machine.path.split(delimiter).some((dir) => machine.has(join(dir, 'podman')));
  return [...packagesForNode(machine), ...(there ? [] : ['podman'])];
}

/** Why this machine cannot be a node, each with what to do; empty where it can. Pure but for `Machine`. */
export function missingForNode(machine: Machine): readonly string[] {
  if (machine.platform !== 'linux') {
    return [
      `a node of our own needs Linux, and this is ${machine.platform}: use CLUSTER=kind or CLUSTER=existing`,
    ];
  }
  const missing = lacking(machine);
  return [
    ...(machine.root ? [] : ['a node needs root, for namespaces of the kernel and mounts: run it with sudo']),
    ...(missing.length > 0
      ? [
          `not there: ${missing.map(({ what }) => what).join(', ')}; ` +
            `apt-get install --no-install-recommends ${packagesForNode(machine).join(' ')}`,
        ]
      : []),
  ];
}

/** @throws {Error} with all that is missing */
export function requireNode(machine: Machine): void {
  const missing = missingForNode(machine);
  if (missing.length > 0) {
    throw new Error(
      [
        'This machine cannot be a node:',
        ...missing.map((each) => `  - ${each}`),
        'CLUSTER=kind or CLUSTER=existing use another one.',
      ].join('\n'),
    );
  }
}
