import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity, stillRuns } from '../support/identity.ts';
import { withLock } from '../support/lock.ts';
import { eventually } from '../support/process.ts';
import { attachControlPlane, openControlPlane, type ControlPlaneOptions } from './controlplane.ts';
import { recordOf, type ControlPlane, type ControlPlaneRecord } from './handle.ts';
import { componentReady, type ComponentName, type LocalControlPlane } from './local.ts';
import { removeNode, type NodeComponentName, type RecordedNode } from './node/index.ts';
import type { LocalPorts } from './flags.ts';
import { ensureRunDir, runDir } from './statedir.ts';
import { etcdVersion, kubernetesVersion } from './tools.ts';

interface RecordedProcess {
  readonly component: ComponentName | NodeComponentName;
  readonly pid: number;
  /** Boot and start time: a pid alone may be somebody else's by now. */
  readonly identity: string;
  readonly version: string;
}

interface BackgroundRecord extends ControlPlaneRecord {
  readonly startedAt: string;
  /** Where the processes are ours. */
  readonly local?: {
    readonly ports: LocalPorts;
    readonly processes: readonly RecordedProcess[];
    readonly node?: RecordedNode;
  };
}

/** What is known of a control plane that runs in the background. */
export type Background =
  | { readonly kind: 'absent' }
  /** State without all of its processes: after a reboot, or when somebody killed them. */
  | { readonly kind: 'stale'; readonly record?: BackgroundRecord }
  | { readonly kind: 'running'; readonly record: BackgroundRecord };

export interface ComponentStatus {
  readonly component: ComponentName | NodeComponentName;
  readonly pid: number;
  readonly version: string;
  readonly health: 'ready' | 'not ready' | 'gone';
}

const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** Control planes that outlive the command that started them, each known by a name. */
export class BackgroundControlPlane {
  readonly #name: string;
  readonly #options: ControlPlaneOptions;

  constructor(name: string, options: ControlPlaneOptions = {}) {
    if (!namePattern.test(name)) {
      throw new Error(`'${name}' is no name for a cluster: lower-case letters, digits and '-', up to 32`);
    }
    this.#name = name;
    this.#options = options;
  }

  get stateDir(): string {
    return join(runDir(), `cluster-${this.#name}`);
  }

  /** Reads what is recorded and looks whether the processes are still those. */
  find(): Background {
    if (!existsSync(this.stateDir)) {
      return { kind: 'absent' };
    }
    const record = this.#read();
    if (record === undefined) {
      return { kind: 'stale' };
    }
    return record.local?.processes.every(stillRuns) === false
      ? { kind: 'stale', record }
      : { kind: 'running', record };
  }

  /** Starts it, unless it runs; what is left of an earlier one that does not run is removed first. */
  up(): Promise<{ readonly plane: ControlPlane; readonly found: Background['kind'] }> {
    return this.#locked(async () => {
      const before = this.find();
      if (before.kind === 'running') {
        return { plane: this.#attach(before.record), found: before.kind };
      }
      await this.#end(before);
      mkdirSync(this.stateDir, { mode: 0o700 });
      try {
        const { plane, local } = await openControlPlane({ ...this.#options, stateDir: this.stateDir });
        this.#write(plane, local);
        local?.release();
        return { plane, found: before.kind };
      } catch (error) {
        rmSync(this.stateDir, { recursive: true, force: true });
        throw error;
      }
    });
  }

  /** Ends what was recorded, and nothing else; says what it found. */
  down(): Promise<Background['kind']> {
    return this.#locked(async () => {
      const before = this.find();
      await this.#end(before);
      return before.kind;
    });
  }

  /** The one that runs; undefined where none does. */
  running(): ControlPlane | undefined {
    const state = this.find();
    return state.kind === 'running' ? this.#attach(state.record) : undefined;
  }

  /** Asks each process that is ours. */
  async components(record: BackgroundRecord): Promise<readonly ComponentStatus[]> {
    const { local, stateDir } = record;
    if (local === undefined) {
      return [];
    }
    return Promise.all(
      local.processes.map(async (process) => {
        const { component, pid, version } = process;
        if (!stillRuns(process)) {
          return { component, pid, version, health: 'gone' as const };
        }
        const ready = await componentReady(component, stateDir, local);
        return { component, pid, version, health: ready ? ('ready' as const) : ('not ready' as const) };
      }),
    );
  }

  /** The server's version, or `undefined` when it does not answer within 10 s. */
  async serverVersion(record: BackgroundRecord): Promise<string | undefined> {
    const answer = await this.#attach(record).kubectl(['get', '--raw', '/version', '--request-timeout=10s']);
    return answer.code === 0 ? (JSON.parse(answer.stdout) as { gitVersion?: string }).gitVersion : undefined;
  }

  #attach(record: BackgroundRecord): ControlPlane {
    return attachControlPlane(record, { ...this.#options, ends: true });
  }

  #locked<T>(action: () => Promise<T>): Promise<T> {
    return withLock(join(ensureRunDir(), `cluster-${this.#name}.lock`), action);
  }

  get #recordFile(): string {
    return join(this.stateDir, 'state.json');
  }

  #read(): BackgroundRecord | undefined {
    try {
      return JSON.parse(readFileSync(this.#recordFile, 'utf8')) as BackgroundRecord;
    } catch {
      return undefined;
    }
  }

  #write(plane: ControlPlane, local: LocalControlPlane | undefined): void {
    const record: BackgroundRecord = {
      ...recordOf(plane),
      startedAt: new Date().toISOString(),
      ...(local === undefined
        ? {}
        : {
            local: {
              ports: local.ports,
              ...(local.node === undefined ? {} : { node: local.node.recorded }),
              processes: Object.entries({ ...local.components, ...local.node?.components }).map(
                ([name, { pid }]) => {
                  const component = name as ComponentName | NodeComponentName;
                  return {
                    component,
                    pid,
                    identity: processIdentity(pid) ?? '',
                    version: component === 'etcd' ? etcdVersion : kubernetesVersion,
                  };
                },
              ),
            },
          }),
    };
    writeFileSync(this.#recordFile, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  }

  async #end(state: Background): Promise<void> {
    if (state.kind === 'absent') {
      return;
    }
    const { record } = state;
    if (record !== undefined && record.mode !== 'local') {
      await this.#attach(record).stop();
    }
    const ours = (record?.local?.processes ?? []).filter(stillRuns);
    for (const { pid } of ours) {
      process.kill(pid, 'SIGKILL');
    }
    await eventually(() => !ours.some(stillRuns) || undefined, {
      withinMs: 10_000,
      what: 'processes to end',
    });
    if (record?.local?.node !== undefined) {
      await removeNode(record.local.node);
    }
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}
