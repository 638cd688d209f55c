import { join } from 'node:path';
import { runCommand, type CommandResult } from '../support/command.ts';
import type { GoTool } from '../support/gobuild.ts';
import { plainEnvironment } from '../support/process.ts';
import { ensureTool } from '../support/toolcache.ts';

const helmTool: GoTool = {
  name: 'helm',
  version: 'v4.3.1',
  package: 'helm.sh/helm/v4/cmd/helm',
  moduleDir: join(import.meta.dirname, '../cluster/go/helm'),
  ldflags: '-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1',
};

/** The path of Helm's binary, built from its Go module where the cache does not have it (three minutes). */
export function ensureHelm(): Promise<string> {
  return ensureTool(helmTool, { environment: process.env, log: (line) => console.error(line) });
}

export interface HelmOptions {
  /** A directory for what Helm keeps for itself: caches, settings. */
  readonly home: string;
  readonly kubeconfig?: string;
}

/** Helm without anything of the user's: no settings, no plugins, no cluster unless given. */
export class Helm {
  readonly #path: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(path: string, { home, kubeconfig }: HelmOptions) {
    this.#path = path;
    this.#env = {
      ...plainEnvironment,
      HOME: home,
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
      KUBECONFIG: kubeconfig ?? join(home, 'no-kubeconfig'),
    };
  }

  /** Runs it to its end. Never rejects. */
  run(args: readonly string[], stdin?: string): Promise<CommandResult> {
    return runCommand(this.#path, args, { env: this.#env, ...(stdin === undefined ? {} : { stdin }) });
  }

  /** @returns standard output @throws {Error} with what it said where it failed */
  async must(args: readonly string[], stdin?: string): Promise<string> {
    const result = await this.run(args, stdin);
    if (result.code !== 0) {
      throw new Error(`helm ${args.join(' ')}: ${result.stderr.trim()}`);
    }
    return result.stdout;
  }
}
