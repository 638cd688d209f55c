import { devNull, hostname } from 'node:os';
import { version } from './version.ts';
import { parseInvocation } from './config.ts';
import { createOperatorLogger, runOperator } from './operator.ts';

/**
 * Flags, signals and the exit code: 0 after a clean stop, 1 when the Lease was lost, a CRD was taken
 * back or the start failed, 2 for flags that make no sense.
 */
async function main(): Promise<number> {
  const invocation = parseInvocation(process.argv.slice(2), process.env, {
    hostname: hostname(),
    pid: process.pid,
    version,
  });
  if (invocation.kind === 'print') {
    process.stdout.write(`${invocation.text}\n`);
    return 0;
  }
  if (invocation.kind === 'refuse') {
    process.stderr.write(`${invocation.message}\n`);
    return 2;
  }
  const { config } = invocation;
  const { logger, protectSecret } = createOperatorLogger(config);
  // Credentials and addresses come from AwsConnections alone; the SDK would also read these.
  const ignored = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  for (const name of ignored) {
    delete process.env[name];
  }
  // Nor does it find anything in ~/.aws, where an address of its own could stand.
  process.env['AWS_CONFIG_FILE'] = devNull;
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = devNull;
  process.env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] = 'true';
  if (ignored.length > 0) {
    logger.info('variables of the environment that are ignored', { names: ignored });
  }
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      logger.info('stopping', { signal: name });
      stop.abort(new Error(`stopped by ${name}`));
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      logger.error('a fault of the program itself; ending, so that nothing goes on half done', {
        event,
        error,
      });
      process.exit(1);
    });
  }
  try {
    const end = await runOperator({ config, logger, protectSecret, version, signal: stop.signal });
    if (end === 'lease-lost') {
      logger.error('the Lease was lost, or given up; ending, another replica goes on');
      return 1;
    }
    if (end === 'crd-outdated') {
      logger.error(
        'a CRD of an earlier version is served; ending, the next process waits until it is upgraded',
      );
      return 1;
    }
    logger.info('stopped');
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      return 0;
    }
    logger.error('cannot start', { error });
    return 1;
  }
}

process.exit(await main());
