import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Config } from './config.ts';
import { UnusableInstallation } from './installation.ts';
import { isNotFound, type Clock, type Logger } from './runtime/index.ts';

/** Without any address of an API server there is nothing to wait for. */
export function requireKubeconfig(config: Config): void {
  if (config.kubeconfig !== undefined) {
    if (!existsSync(config.kubeconfig)) {
      throw new Error(`--kubeconfig names ${config.kubeconfig}, and there is no such file`);
    }
    return;
  }
  const { KUBECONFIG: named = '', KUBERNETES_SERVICE_HOST: inCluster } = process.env;
  const files = named === '' ? [join(homedir(), '.kube/config')] : named.split(delimiter);
  if (inCluster === undefined && !files.some((file) => existsSync(file))) {
    throw new Error(
      `there is no kubeconfig (looked for ${files.join(', ')}), and this is no pod; give --kubeconfig FILE`,
    );
  }
}

/** Tries again until the API server gives an answer; what it refuses for good is thrown. */
export async function untilAnswered<T>(
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (let waitMs = 1_000; ; waitMs = Math.min(30_000, waitMs * 2)) {
    try {
      return await ask();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (signal.aborted || error instanceof UnusableInstallation) {
        throw error;
      }
      if (typeof code === 'number' && code < 500 && code !== 429 && !isNotFound(error)) {
        logger.error('the API server refuses the operator; check its RBAC and --namespace', { error });
      } else {
        logger.warn('waiting for the API server', { error });
      }
      await clock.sleep(waitMs, signal);
    }
  }
}
