import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandResult, CommandRunner } from '../support/command.ts';
import { eventually } from '../support/process.ts';
import type { Component } from './component.ts';
import { readCrds } from './crds.ts';
import { tokenKubeconfig } from './kubeconfig.ts';
import { loadIntoKind } from './kind.ts';
import type { ComponentName } from './local.ts';
import { loadImage, nodePaths } from './node/index.ts';

export type ClusterMode = 'local' | 'existing' | 'kind';

/** What another process needs in order to use a control plane; goes through JSON. */
export interface ControlPlaneRecord {
  readonly mode: ClusterMode;
  /** A single file with the administrator's context. */
  readonly kubeconfigPath: string;
  readonly server: string;
  readonly caData: string;
  readonly stateDir: string;
  readonly kubectlPath: string;
  /** Whether it has nodes that take pods, as far as is known: `existing` and `kind` do. */
  readonly node: boolean;
}

/** A control plane to test against. */
export interface ControlPlane extends ControlPlaneRecord {
  /** The administrator's kubeconfig: one file, nothing to merge, in `stateDir`. */
  readonly kubeconfigPath: string;
  /** `https://host:port`. */
  readonly server: string;
  /** The CA that signed the server's certificate: PEM, in base64 as a kubeconfig holds it. */
  readonly caData: string;
  /** A directory of this control plane; gone after `stop()`. */
  readonly stateDir: string;
  /** The kubectl that `kubectl()` runs; of the server's version when the control plane is local. */
  readonly kubectlPath: string;
  /** Runs kubectl, as the administrator unless `kubeconfig` names another file. Never rejects. */
  kubectl(
    args: readonly string[],
    options?: { readonly stdin?: string; readonly kubeconfig?: string },
  ): Promise<CommandResult>;
  /** The same, for what has to succeed. @returns standard output @throws {Error} with what kubectl said */
  readonly must: (args: readonly string[], stdin?: string) => Promise<string>;
  /**
   * Applies the CustomResourceDefinitions of a directory (default: the repository's `crds/`) and waits
   * until they are Established and each served version can be listed by name. Owner references between
   * objects of kinds that are new to the cluster are collected within 30 s, the garbage collector's
   * discovery period (kube-controller-manager, `startGarbageCollectorController`).
   */
  installCrds(dir?: string): Promise<void>;
  /**
   * A client with no more rights than it was given: makes the ServiceAccount (the namespace must exist),
   * applies the RBAC manifest, and writes a kubeconfig with a token that is good for 24 h.
   */
  serviceAccount(
    namespace: string,
    name: string,
    rbacManifestYaml?: string,
  ): Promise<{ readonly kubeconfigPath: string; readonly token: string }>;
  /** Makes a namespace that does not exist yet. */
  createNamespace(name: string): Promise<void>;
  /** Makes an image known to the nodes. @param archive as `podman save` or `docker save` writes it */
  loadImage(archive: string): Promise<void>;
  /** The processes, where they are ours: with `existing`, `kind` and a shared one, using them throws. */
  readonly components: Readonly<Record<ComponentName, Component>>;
  /**
   * Local: no process and no file is left, and what can be done without waiting is done before this
   * returns its promise, so it also works in a handler of `exit`. `kind`: the cluster is deleted.
   * `existing`: namespaces, ServiceAccounts and RBAC objects made through this handle are deleted; CRDs
   * stay, since somebody may use them by now. A shared one goes on for the other suites.
   */
  stop(): Promise<void>;
}

/** The part of a control plane that goes through JSON. */
export function recordOf(plane: ControlPlaneRecord): ControlPlaneRecord {
  const { mode, kubeconfigPath, server, caData, stateDir, kubectlPath, node } = plane;
  return { mode, kubeconfigPath, server, caData, stateDir, kubectlPath, node };
}

const fieldManager = 'idhub-aws-connector-test';

/** The part of a control plane that is the same for all modes: everything goes through kubectl. */
export function controlPlaneHandle(options: {
  readonly record: ControlPlaneRecord;
  readonly run: CommandRunner;
  /** The environment of kubectl; KUBECONFIG is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly components: Readonly<Record<ComponentName, Component>>;
  /** `tidy` deletes what was made through the handle. */
  readonly stop: (tidy: () => Promise<void>) => Promise<void>;
}): ControlPlane {
  const { record, run, env, components } = options;
  const { stateDir, kubectlPath, kubeconfigPath, server, caData } = record;
  const made: string[][] = [];

  const kubectl: ControlPlane['kubectl'] = (args, { stdin, kubeconfig } = {}) =>
    run(kubectlPath, args, {
      // Discovery is cached by host and port, and ports are used again by other clusters.
      env: { ...env, KUBECONFIG: kubeconfig ?? kubeconfigPath, KUBECACHEDIR: join(stateDir, 'kube-cache') },
      ...(stdin === undefined ? {} : { stdin }),
    });
  const must: ControlPlane['must'] = async (args, stdin) => {
    const result = await kubectl(args, stdin === undefined ? {} : { stdin });
    if (result.code !== 0) {
      throw new Error(`kubectl ${args.join(' ')}: ${result.stderr.trim()}`);
    }
    return result.stdout;
  };

  /** Creates what a manifest says. What exists in somebody's cluster already is not ours to change. */
  const create = async (manifest: string): Promise<void> => {
    if (record.mode === 'existing') {
      const existing = (await must(['get', '-f', '-', '--ignore-not-found', '-o', 'name'], manifest)).trim();
      if (existing !== '') {
        throw new Error(
          `exists already in the cluster and is not changed: ${existing.split('\n').join(', ')}`,
        );
      }
    }
    await must(['apply', '--server-side', `--field-manager=${fieldManager}`, '-f', '-'], manifest);
    made.push(['delete', '--ignore-not-found', '--wait=false', '-f', '-', manifest]);
  };

  return {
    ...record,
    components,
    kubectl,
    must,
    installCrds: async (dir = join(import.meta.dirname, '..', '..', 'crds')) => {
      const { files, crds } = await readCrds(dir);
      if (crds.length === 0) {
        throw new Error(`no CustomResourceDefinition in ${dir}`);
      }
      await must([
        'apply',
        '--server-side',
        `--field-manager=${fieldManager}`,
        ...files.map((file) => `--filename=${file}`),
      ]);
      await must([
        'wait',
        '--for=condition=Established',
        '--timeout=30s',
        ...crds.map(({ name }) => `crd/${name}`),
      ]);
      for (const resource of crds.flatMap((crd) => crd.resources)) {
        await eventually(
          async () => (await kubectl(['get', resource, '-A', '-o', 'name'])).code === 0 || undefined,
          {
            what: `${resource} to be served`,
          },
        );
      }
    },
    serviceAccount: async (namespace, name, rbacManifestYaml) => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } };
      await create(JSON.stringify(account));
      if (rbacManifestYaml !== undefined) {
        await create(rbacManifestYaml);
      }
      const token = (
        await must(['create', 'token', name, `--namespace=${namespace}`, '--duration=24h'])
      ).trim();
      const path = join(stateDir, 'service-accounts', namespace, `${name}.kubeconfig`);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, tokenKubeconfig({ server, caData, user: name, token, namespace }), { mode: 0o600 });
      return { kubeconfigPath: path, token };
    },
    loadImage: async (archive) => {
      if (record.mode === 'local' && record.node) {
        await loadImage(nodePaths(stateDir), archive, run);
      } else if (record.mode === 'kind') {
        await loadIntoKind({ archive, run, env, stateDir });
      } else {
        throw new Error(
          record.mode === 'existing'
            ? 'images are not loaded into a cluster of yours: push them where it pulls from'
            : 'there is no node: start it with a node (npm run cluster -- up --node)',
        );
      }
    },
    createNamespace: async (name) => {
      await must(['create', 'namespace', name]);
      made.push(['delete', 'namespace', name, '--ignore-not-found', '--wait=false', '']);
    },
    stop: () =>
      options.stop(async () => {
        for (const each of made.splice(0).toReversed()) {
          await must(each.slice(0, -1), each.at(-1));
        }
      }),
  };
}

/** Stands where processes are not ours. */
export function absentComponents(why: string): Readonly<Record<ComponentName, Component>> {
  const component = (name: string): Component => {
    const refuse = (): never => {
      throw new Error(`${name} cannot be disturbed: ${why}`);
    };
    return {
      get pid() {
        return refuse();
      },
      stop: async () => refuse(),
      pause: refuse,
      resume: refuse,
      restart: async () => refuse(),
    };
  };
  return {
    etcd: component('etcd'),
    apiserver: component('kube-apiserver'),
    controllerManager: component('kube-controller-manager'),
  };
}
