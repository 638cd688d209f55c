import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { plainEnvironment } from '../support/process.ts';
import { runCommand } from '../support/command.ts';

/** What the launcher of the distribution gives Java, less what tests do not need; C1 starts sooner. */
const javaFlags = [
  '-Xms64m',
  '-Xmx512m',
  '-XX:TieredStopAtLevel=1',
  '-XX:MaxMetaspaceSize=256m',
  '-XX:+UseSerialGC',
  '-XX:+UnlockDiagnosticVMOptions',
  '-XX:-BytecodeVerificationRemote',
  '-Dfile.encoding=UTF-8',
  '-Duser.language=en',
  '-Duser.country=US',
  '-Djava.net.preferIPv4Stack=true',
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  '-Dpicocli.disable.closures=true',
  '-Dquarkus-log-max-startup-records=10000',
  ...['java.util', 'java.util.concurrent', 'java.security', 'java.lang'].map(
    (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
  ),
] as const;

/** Java's arguments for a command of Keycloak, without the shell of its launcher in between: what is started can be ended. */
export function javaArguments(home: string, args: readonly string[]): readonly string[] {
  return [
    ...javaFlags,
    `-Dkc.home.dir=${home}`,
    `-Djboss.server.config.dir=${join(home, 'conf')}`,
    '-cp',
    join(home, 'lib', 'quarkus-run.jar'),
    'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
    ...args,
  ];
}

/** Runs a command of Keycloak to its end. */
export async function runServer(
  home: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code, stdout, stderr } = await runCommand('java', javaArguments(home, args), {
    env: { ...plainEnvironment, ...env },
    timeoutMs: 600_000,
  });
  if (code !== 0) {
    throw new Error(
      `Keycloak ${args[0]} ended with ${code}; it needs Java 17\n${(stdout + stderr).slice(-4_000)}`,
    );
  }
}

/** A home of its own for one server: everything is the distribution's but the data. */
export async function linkHome(
  from: { readonly home: string; readonly seed: string | undefined },
  target: string,
): Promise<void> {
  await mkdir(join(target, 'data'), { recursive: true });
  for (const name of ['bin', 'conf', 'lib', 'providers', 'themes']) {
    await symlink(join(from.home, name), join(target, name));
  }
  if (from.seed !== undefined) {
    await cp(join(from.seed, 'h2'), join(target, 'data', 'h2'), { recursive: true });
  }
}
