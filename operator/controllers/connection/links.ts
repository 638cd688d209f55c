import { createHash } from 'node:crypto';
import type { AwsApi, AwsCredentials, Pacer } from '../../../src/aws/index.ts';
import type { Settings } from '../../../src/connection/index.ts';
import {
  CredentialReports,
  readAccount,
  SnapshotStore,
  type ReadingGate,
} from '../../../src/reconciliation/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyString, type Clock, type Logger, type ObjectKey } from '../../runtime/index.ts';
import type { Candidate, ConnectionState, Link } from './registry.ts';

/** What a client of AWS is made from. */
export interface Target {
  readonly key: ObjectKey;
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly cloudTrailRegion: string;
  readonly endpoints: NonNullable<AwsConnection['spec']['endpoints']>;
  readonly pacer: Pacer;
  readonly trailPacer: Pacer;
}

export interface ConnectionLinksOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
  /** Makes the client of a connection. */
  readonly connect: (target: Target) => AwsApi;
  /** Makes what paces the calls of one connection. */
  readonly pace: () => Pacer;
  /** What readings of all AWS accounts go through. */
  readonly gate: ReadingGate;
  /** Gives what paces CloudTrail for everybody in the process that goes by the same name. */
  readonly paceTrail: (name: () => string) => Pacer;
}

/** The clients of connections: the one in use, and the one whose credentials are not verified yet. */
export class ConnectionLinks {
  readonly #options: ConnectionLinksOptions;

  constructor(options: ConnectionLinksOptions) {
    this.#options = options;
  }

  /** The client for these credentials: the one in use, the one that waits to be verified, or a new one. */
  target(
    connection: AwsConnection,
    key: ObjectKey,
    state: ConnectionState,
    credentials: AwsCredentials,
    settings: Settings,
  ): Link | Candidate {
    const endpoints = connection.spec.endpoints ?? {};
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([credentials, settings.region, settings.cloudTrailRegion, endpoints]))
      .digest('hex');
    for (const known of [state.link, state.candidate]) {
      if (known?.fingerprint === fingerprint) {
        return known;
      }
    }
    const { clock, connect, pace, paceTrail, protectSecret } = this.#options;
    protectSecret(credentials.secretAccessKey);
    if (credentials.sessionToken !== undefined) {
      protectSecret(credentials.sessionToken);
    }
    state.candidate?.api.close();
    // AWS throttles the account, whatever its credentials: what was learnt of its rate outlives them.
    state.pacer ??= pace();
    const { pacer } = state;
    const { region, cloudTrailRegion } = settings;
    // Known as soon as the credentials are verified; nobody asks CloudTrail before.
    const trailPacer = paceTrail(
      () => `${state.terms?.caller.accountId ?? keyString(key)}/${cloudTrailRegion}`,
    );
    const api = connect({ key, credentials, region, cloudTrailRegion, endpoints, pacer, trailPacer });
    state.candidate = { key, fingerprint, credentials, api, since: clock.now() };
    return state.candidate;
  }

  /** Takes verified credentials into use. What was read stays good: they lead to the same account. */
  adopt(state: ConnectionState, target: Link | Candidate): Link {
    const previous = state.link;
    if (target === previous) {
      return previous;
    }
    const { clock, gate, logger } = this.#options;
    const reports = new CredentialReports({ clock });
    const read = (signal: AbortSignal) => {
      if (state.link === undefined || state.terms === undefined) {
        throw new Error('the connection is not verified');
      }
      const { settings: inForce, caller } = state.terms;
      const { pageSize, passwordLastUsed } = inForce;
      return readAccount(state.link.api, {
        signal,
        priority: 'background',
        pageSize,
        passwordLastUsed,
        caller,
        clock,
        reports,
      });
    };
    const snapshots = previous?.snapshots ?? new SnapshotStore({ clock, read, gate });
    const link: Link = { ...target, snapshots };
    state.link = link;
    state.candidate = undefined;
    previous?.api.close();
    const { accessKeyId } = link.credentials;
    logger.info('credentials in use', { connection: keyString(link.key), accessKeyId });
    return link;
  }
}
