import { awsConnectionType, awsReconciliationType, type AwsReconciliation } from './api/v1alpha1/index.ts';
import { listsStopped } from './controllers/breaker.ts';
import { endingOf, openReport, SpoiltSetError } from './controllers/reconciliation/index.ts';
import type { OpenedReport, ReportSource } from './http/index.ts';
import { isNotFound, keyString, type Client, type ObjectKey } from './runtime/index.ts';

export interface ReportsOptions {
  /** One that reads without leading. */
  readonly client: Client;
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
}

/** The reports of runs that are complete, for as long as no breaker is open; all read anew, so that any replica answers. */
export class Reports implements ReportSource {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  async open(key: ObjectKey, signal: AbortSignal): Promise<OpenedReport> {
    const { client, namespaces } = this.#options;
    if (namespaces?.includes(key.namespace) === false) {
      return missing(`This connector does not look after the namespace "${key.namespace}".`);
    }
    const run = await found(client.get(awsReconciliationType, key, { signal }));
    if (run === undefined) {
      return missing(`There is no AwsReconciliation "${key.name}" in the namespace "${key.namespace}".`);
    }
    const verdict = endOf(run);
    if (verdict === undefined) {
      const { message = '' } = conditionOf(run, 'Ready') ?? {};
      return { kind: 'unfinished', message: `The run has not ended. ${message}`.trim() };
    }
    if (verdict.outcome === 'Failed') {
      return missing(`The run has no report: it failed. ${verdict.reason}: ${verdict.message}`);
    }
    const stored = await this.#stored(run, signal);
    if (stored.kind !== 'report') {
      return stored;
    }
    // Last, so that a breaker that has opened meanwhile counts.
    const connection = connectionOf(run, key);
    const object = await found(client.get(awsConnectionType, connection, { signal }));
    const why = object === undefined ? undefined : listsStopped(object);
    if (why !== undefined) {
      return { kind: 'stopped', message: `No lists are given: ${why}.` };
    }
    const { header, shards } = stored.report;
    return { kind: 'report', report: { header: { connection: keyString(connection), ...header }, shards } };
  }

  /** A report that is there as a whole. One that has a hole would break off at it, time and again, without a word. */
  async #stored(run: AwsReconciliation, signal: AbortSignal): Promise<OpenedReport> {
    const { client } = this.#options;
    const instead = 'the status of the run has the first changes';
    try {
      const stored = await openReport(client, run, signal);
      if (stored.kind === 'none') {
        return missing(`The run is complete, and its report is no longer there; ${instead}.`);
      }
      const { header, shards } = stored;
      await stored.check();
      return { kind: 'report', report: { header, shards } };
    } catch (error) {
      if (error instanceof SpoiltSetError) {
        return missing(`The report is no longer whole: ${error.message}; ${instead}.`);
      }
      throw error;
    }
  }
}

function missing(message: string): OpenedReport {
  return { kind: 'missing', message };
}

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

function connectionOf({ spec }: AwsReconciliation, { namespace }: ObjectKey): ObjectKey {
  return { namespace: spec.connectionRef.namespace ?? namespace, name: spec.connectionRef.name };
}

function conditionOf(
  { status }: AwsReconciliation,
  wanted: string,
): { readonly status: string; readonly reason: string; readonly message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === wanted);
}

/** How a run has ended: as its status says, else as the object remembers. */
function endOf(run: AwsReconciliation): { outcome: string; reason: string; message: string } | undefined {
  for (const outcome of ['Failed', 'Complete'] as const) {
    const condition = conditionOf(run, outcome);
    if (condition?.status === 'True') {
      return { outcome, reason: condition.reason, message: condition.message };
    }
  }
  return endingOf(run);
}
