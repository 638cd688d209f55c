import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BackgroundControlPlane } from './background.ts';
import { readCrds } from './crds.ts';
import { ensureNodeTools } from './node/index.ts';
import { cacheRoot } from '../support/toolcache.ts';
import { ensureControlPlaneTools } from './tools.ts';

const usage = `Usage: npm run cluster -- COMMAND [--name NAME]

A Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager) for trying and testing.
It listens on 127.0.0.1 only, needs no Docker and no root, and keeps nothing once it is down.
With --node there is a node as well (kubelet, kube-scheduler, kube-proxy, containerd) that takes pods: on Linux, as
root, in namespaces of the kernel of its own, so that nothing of it is left once it is down.

Commands:
  up       start it in the background and install crds/; harmless when it runs already
  load     make images known to its node: load ARCHIVE..., as podman save or docker save writes them
  down     end it and remove its state
  status   its processes, health and versions; exit code 1 when it does not run
  env      what to evaluate in a shell: eval "$(npm run -s cluster -- env)"
  build    only fill the cache of binaries (needs Go 1.26 and the network, minutes, once)

Options:
  --name NAME   which one, when there are several (default: default)
  --node        up: with a node that takes pods; build: its binaries too
  --help        this text

Environment:
  CLUSTER          local (default), existing (the cluster of KUBECONFIG), kind (needs Docker and kind)
  IDHUB_CACHE_DIR  where built binaries are kept (default: ~/.cache/idhub-aws-connector)`;

const crdDir = join(import.meta.dirname, '..', '..', 'crds');
const log = (line: string): void => console.error(line);

async function up(background: BackgroundControlPlane, again: string, node: boolean): Promise<number> {
  const started = performance.now();
  const { plane, found } = await background.up();
  if (node && !plane.node) {
    throw new Error(
      `It runs already, and without a node: end it first (npm run cluster -- down${again}), or give it another name`,
    );
  }
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const said = {
    absent: `up after ${took}`,
    running: 'up already',
    stale: `up after ${took} (what was left of an earlier one was removed)`,
  }[found];
  console.log(
    [
      `The control plane (${plane.mode}) is ${said}: ${plane.server}`,
      '',
      'Use it in this shell:',
      `  export KUBECONFIG=${shellQuoted(plane.kubeconfigPath)}`,
      `  ${shellQuoted(plane.kubectlPath)} get namespaces`,
      `or, with this kubectl first on the PATH: eval "$(npm run -s cluster -- env${again})"`,
      ...(node
        ? [
            'crds/ are installed: the chart is to leave them alone (helm install … --set crds.enabled=false)',
            `Images: npm run cluster -- load ARCHIVE${again}`,
          ]
        : []),
      `End it: npm run cluster -- down${again}`,
    ].join('\n'),
  );
  // After the way to use it: a definition that the server refuses is looked into with this very kubectl.
  const crds = existsSync(crdDir) ? (await readCrds(crdDir)).crds : [];
  if (crds.length > 0) {
    await plane.installCrds(crdDir);
    console.log(`Installed: ${crds.map(({ name }) => name).join(', ')}`);
  }
  return 0;
}

async function status(background: BackgroundControlPlane, again: string): Promise<number> {
  const state = background.find();
  if (state.kind === 'absent') {
    console.log(`Not running. Start it: npm run cluster -- up${again}`);
    return 1;
  }
  if (state.record === undefined) {
    console.log(
      `Not running: a start is under way or was broken off. npm run cluster -- up${again} waits for it or starts anew.`,
    );
    return 1;
  }
  const { record } = state;
  const [components, version] = await Promise.all([
    background.components(record),
    state.kind === 'running' ? background.serverVersion(record) : undefined,
  ]);
  const healthy = version !== undefined && components.every(({ health }) => health === 'ready');
  const word =
    state.kind === 'stale' ? 'Not running (processes are gone)' : healthy ? 'Running' : 'Not healthy';
  console.log(
    `${word}: ${record.mode}, ${record.server}, Kubernetes ${version ?? 'unknown'}, since ${record.startedAt}`,
  );
  console.log(`KUBECONFIG: ${record.kubeconfigPath}`);
  for (const { component, pid, version: built, health } of components) {
    console.log(`  ${component.padEnd(18)} pid ${String(pid).padEnd(8)} ${built.padEnd(9)} ${health}`);
  }
  if (state.kind === 'stale') {
    console.log(`Start anew: npm run cluster -- up${again}; or clean up: npm run cluster -- down${again}`);
  }
  return healthy ? 0 : 1;
}

async function down(background: BackgroundControlPlane): Promise<number> {
  const found = await background.down();
  console.log(
    {
      absent: 'Nothing to end: it does not run.',
      running: 'Ended.',
      stale: 'It did not run any more; what was left of it is removed.',
    }[found],
  );
  return 0;
}

function env(background: BackgroundControlPlane, again: string): number {
  const state = background.find();
  if (state.kind !== 'running') {
    console.error(`Not running. Start it: npm run cluster -- up${again}`);
    return 1;
  }
  const { kubeconfigPath, kubectlPath } = state.record;
  console.log(`export KUBECONFIG=${shellQuoted(kubeconfigPath)}`);
  if (kubectlPath.includes('/')) {
    console.log(`export PATH=${shellQuoted(dirname(kubectlPath))}:"$PATH"`);
  }
  return 0;
}

async function load(background: BackgroundControlPlane, archives: readonly string[]): Promise<number> {
  const plane = background.running();
  if (plane === undefined) {
    console.error('Not running. Start it: npm run cluster -- up --node');
    return 1;
  }
  if (archives.length === 0) {
    console.error('load takes the archives of images, as podman save or docker save writes them');
    return 2;
  }
  for (const archive of archives) {
    await plane.loadImage(resolve(archive));
    console.log(`Loaded: ${archive}`);
  }
  return 0;
}

async function build(node: boolean): Promise<number> {
  await ensureControlPlaneTools({ environment: process.env, log });
  if (node) {
    await ensureNodeTools({ environment: process.env, log });
  }
  console.log(`The binaries are in ${cacheRoot(process.env)}`);
  return 0;
}

/** As a word of a POSIX shell. */
function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'default' },
      node: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  if (rest.length > 0 && command !== 'load') {
    throw new Error(`one command at a time, not '${positionals.join(' ')}' (see --help)`);
  }
  if (values.node && command !== 'up' && command !== 'build') {
    throw new Error('--node goes with up and build (see --help)');
  }
  const background = new BackgroundControlPlane(values.name, { log, node: values.node });
  const again = values.name === 'default' ? '' : ` --name ${values.name}`;
  const commands = new Map<string, () => Promise<number> | number>([
    ['up', () => up(background, again, values.node)],
    ['load', () => load(background, rest)],
    ['down', () => down(background)],
    ['status', () => status(background, again)],
    ['env', () => env(background, again)],
    ['build', () => build(values.node)],
  ]);
  const chosen = commands.get(command ?? '');
  if (chosen === undefined) {
    console.error(usage);
    return 2;
  }
  return chosen();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
