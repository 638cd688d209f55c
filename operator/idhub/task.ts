import type { IdhubConnection, LinkReport } from '../../src/idhub/index.ts';
import type { Clock, Logger } from '../runtime/index.ts';

/** Asks IDHub again and again until `signal` aborts; then waits for what is under way. Says what has changed, once. */
export async function keepLooking(options: {
  readonly link: Pick<IdhubConnection, 'look' | 'close' | 'pauseMs'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { link, clock, logger, signal } = options;
  let last: LinkReport | undefined;
  try {
    while (!signal.aborted) {
      const report = await link.look(signal);
      if (report.state !== last?.state || report.message !== last.message) {
        const { state, message, version } = report;
        logger[state === 'UP' ? 'info' : 'warn']('the link to IDHub', { state, detail: message, version });
      }
      last = report;
      await clock.sleep(link.pauseMs(), signal);
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  } finally {
    if (signal.aborted) {
      await link.close();
    }
  }
}
