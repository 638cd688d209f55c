import { createHash } from 'node:crypto';
import type { ConnectionName, MadeRun, RunRequest, Runs, RunState } from '../../src/idhub/index.ts';
import { scopeOf } from '../../src/reconciliation/index.ts';
import type { AccountSchema } from '../../src/schema/index.ts';
import { awsReconciliationType, type AwsReconciliation } from '../api/v1alpha1/index.ts';
import { annotations, managedByUs } from '../controllers/names.ts';
import { connectionOf, endingOf } from '../controllers/reconciliation/index.ts';
import { ApiError, isAlreadyExists, isNotFound, keyString, type Client } from '../runtime/index.ts';

/** Seconds that a run is kept after its end: as long as its id is known. */
const keptSeconds = 7 * 86_400;

export interface RunObjectsOptions {
  /** One that writes only while this process leads. */
  readonly client: Client;
  /** The account schema of a connection; undefined where it is not known now. */
  readonly schemaOf: (connection: ConnectionName) => AccountSchema | undefined;
}

/** Runs as AwsReconciliations in the namespace of their connection. Their names follow from the id, so that each is made once. */
export class RunObjects implements Runs {
  readonly #options: RunObjectsOptions;

  constructor(options: RunObjectsOptions) {
    this.#options = options;
  }

  async make(connection: ConnectionName, request: RunRequest, signal: AbortSignal): Promise<MadeRun> {
    const { client, schemaOf } = this.#options;
    const run = objectOf(connection, request);
    const schema = schemaOf(connection);
    if (request.filter !== undefined && schema !== undefined) {
      const scope = scopeOf(request.filter, schema);
      if (scope.kind === 'refused') {
        return { kind: 'refused', errors: [`/filter: ${scope.message}`] };
      }
    }
    try {
      const made = await client.create(awsReconciliationType, run, { signal });
      return { kind: 'run', made: true, run: stateOf(made) };
    } catch (error) {
      if (error instanceof ApiError && error.code === 422) {
        const causes = error.details?.causes?.flatMap(({ message }) => message ?? []) ?? [];
        return { kind: 'refused', errors: causes.length === 0 ? [error.message] : causes };
      }
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
    const { name } = run.metadata;
    const present = await client.get(
      awsReconciliationType,
      { namespace: connection.namespace, name },
      { signal },
    );
    const same =
      operationOf(present) === request.operationId &&
      comparable(present) === comparable(run) &&
      present.metadata.deletionTimestamp === undefined;
    return same
      ? { kind: 'run', made: false, run: stateOf(present) }
      : {
          kind: 'used',
          message: `The operationId "${request.operationId}" was used for another reconciliation; give this one its own.`,
        };
  }

  async find(connection: ConnectionName, name: string, signal: AbortSignal): Promise<RunState | undefined> {
    const { client } = this.#options;
    try {
      const key = { namespace: connection.namespace, name };
      const run = await client.get(awsReconciliationType, key, { signal });
      return keyString(connectionOf(run)) === keyString(connection) ? stateOf(run) : undefined;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }
}

function objectOf({ namespace, name }: ConnectionName, request: RunRequest): AwsReconciliation {
  const { operationId, mode, resources, filter, users, dryRun } = request;
  const identity = createHash('sha256').update(`${namespace}/${name} ${operationId}`).digest('hex');
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsReconciliation',
    metadata: {
      name: `idhub-${identity.slice(0, 24)}`,
      namespace,
      labels: { ...managedByUs },
      annotations: { [annotations.operation]: operationId },
    },
    spec: {
      connectionRef: { name },
      ...(mode === undefined ? {} : { mode }),
      ...(resources === undefined ? {} : { resources: [...resources] }),
      ...(filter === undefined ? {} : { filter }),
      ...(users === undefined ? {} : { users: [...users] }),
      ...(dryRun === undefined ? {} : { dryRun }),
      ttlSecondsAfterFinished: keptSeconds,
    },
  };
}

/** What makes a run another one; how long it is kept does not. */
function comparable(run: AwsReconciliation): string {
  const { mode, resources, filter, users, dryRun } = run.spec;
  return JSON.stringify([keyString(connectionOf(run)), mode, resources, filter, users, dryRun]);
}

function operationOf({ metadata }: AwsReconciliation): string | undefined {
  return metadata.annotations?.[annotations.operation];
}

function stateOf(run: AwsReconciliation): RunState {
  const { conditions = [], counts, finishedAt, mode, startedAt } = run.status ?? {};
  const of = (wanted: string) => conditions.find(({ type }) => type === wanted);
  const remembered = endingOf(run);
  const failed = of('Failed')?.status === 'True' || remembered?.outcome === 'Failed';
  const complete = of('Complete')?.status === 'True' || remembered?.outcome === 'Complete';
  const told = of('Ready') ?? remembered;
  return {
    namespace: run.metadata.namespace ?? '',
    name: run.metadata.name,
    operationId: operationOf(run),
    status: failed ? 'failed' : complete ? 'complete' : 'running',
    reason: told?.reason ?? 'Running',
    message: told?.message ?? 'It was made, and has not begun yet.',
    mode,
    counts: counts ?? remembered?.counts,
    startedAt,
    finishedAt,
  };
}
