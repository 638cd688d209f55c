import { rmSync } from 'node:fs';
import { runCommand, type CommandRunner } from '../support/command.ts';
import { plainEnvironment } from '../support/process.ts';
import { attachExisting } from './existing.ts';
import {
  absentComponents,
  controlPlaneHandle,
  type ClusterMode,
  type ControlPlane,
  type ControlPlaneRecord,
} from './handle.ts';
import { deleteKind, startKind } from './kind.ts';
import { startLocal, type LocalControlPlane } from './local.ts';
import { ensureNodeTools, requireNode, thisMachine } from './node/index.ts';
import { newStateDir } from './statedir.ts';
import { ensureControlPlaneTools, ensureKubectl } from './tools.ts';

export interface ControlPlaneOptions {
  /** What decides: `CLUSTER`, `KUBECONFIG`, the cache's place. Default: this process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Hears what takes long; default: standard error. */
  readonly log?: (line: string) => void;
  readonly run?: CommandRunner;
  /** With a node that takes pods; needs root where the control plane is local. */
  readonly node?: boolean;
}

/** `CLUSTER`: unset or `local`, `existing`, `kind`. Throws on anything else. */
export function clusterMode(environment: NodeJS.ProcessEnv): ClusterMode {
  const value = environment['CLUSTER'];
  switch (value) {
    case undefined:
    case '':
    case 'local':
      return 'local';
    case 'existing':
    case 'kind':
      return value;
    default:
      throw new Error(`CLUSTER is '${value}'; it can be local (the default), existing or kind`);
  }
}

/**
 * A control plane, ready to be used: by default one of our own on 127.0.0.1 with ports of its own (any
 * number at once), after 3 to 5 s once the binaries are in the cache; minutes before that. It ends with
 * `stop()`, and with this process at the latest, even when that is killed.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const stateDir = newStateDir();
  try {
    return (await openControlPlane({ ...options, stateDir })).plane;
  } catch (error) {
    rmSync(stateDir, { recursive: true, force: true });
    throw error;
  }
}

/** As `startControlPlane`, in a directory of the caller's, with the processes where they are ours. */
export async function openControlPlane(
  options: ControlPlaneOptions & { readonly stateDir: string },
): Promise<{
  readonly plane: ControlPlane;
  readonly local?: LocalControlPlane;
}> {
  const environment = options.environment ?? process.env;
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  const run = options.run ?? runCommand;
  const { stateDir } = options;
  const mode = clusterMode(environment);
  if (mode === 'local') {
    if (options.node === true) {
      // Before minutes are spent on building.
      requireNode(thisMachine(environment));
    }
    const tools = await ensureControlPlaneTools({ environment, log });
    const nodeTools = options.node === true ? await ensureNodeTools({ environment, log }) : undefined;
    const local = await startLocal({ stateDir, tools, nodeTools });
    const { kubeconfigPath, server, caData, components } = local;
    const node = local.node !== undefined;
    const record = { mode, kubeconfigPath, server, caData, stateDir, kubectlPath: tools.kubectl, node };
    const stop = (): Promise<void> => local.stop();
    return { plane: controlPlaneHandle({ record, run, env: plainEnvironment, components, stop }), local };
  }
  const env = environmentOf(environment);
  const kubectlPath = await findKubectl(run, environment, log);
  const attach = { kind: startKind, existing: attachExisting }[mode];
  const record = await attach({ run, env, kubectlPath, stateDir });
  return { plane: attachControlPlane(record, { environment, run, ends: true }) };
}

/**
 * A handle on a control plane that another process started. `ends`: whether its `stop()` ends the control
 * plane too, where that is not the processes of somebody else.
 */
export function attachControlPlane(
  record: ControlPlaneRecord,
  options: { readonly environment?: NodeJS.ProcessEnv; readonly run?: CommandRunner; readonly ends: boolean },
): ControlPlane {
  const run = options.run ?? runCommand;
  const { mode, stateDir } = record;
  const env = mode === 'local' ? plainEnvironment : environmentOf(options.environment ?? process.env);
  const why = {
    local: 'other suites share it; start one of your own with startControlPlane()',
    existing: 'with CLUSTER=existing the processes are not ours',
    kind: 'with CLUSTER=kind the processes run in a container',
  }[mode];
  return controlPlaneHandle({
    record,
    run,
    env,
    components: absentComponents(why),
    stop: async (tidy) => {
      if (mode === 'existing') {
        await tidy();
      }
      if (!options.ends) {
        return;
      }
      if (mode === 'kind') {
        await deleteKind({ run, env, stateDir });
      }
      rmSync(stateDir, { recursive: true, force: true });
    },
  });
}

/** A cluster of the user's may need what is in the user's environment, to log in with a helper program. */
function environmentOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The user's kubectl fits the user's cluster; ours where there is none. */
async function findKubectl(
  run: CommandRunner,
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<string> {
  const env = environmentOf(environment);
  const found = await run('kubectl', ['version', '--client'], { env, timeoutMs: 30_000 });
  return found.code === 0 ? 'kubectl' : ensureKubectl({ environment, log });
}
