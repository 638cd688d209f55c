import { isDeepStrictEqual } from 'node:util';
import type { ConnectionName, DirectoryUnavailableError, DirectoryView } from '../../src/idhub/index.ts';
import { listUsers } from '../../src/reconciliation/index.ts';
import type { AwsAccount, AwsConnection } from '../api/v1alpha1/index.ts';
import { isAwsError } from '../../src/aws/index.ts';
import type { ConnectionRegistry, ReadingComparison } from '../controllers/connection/index.ts';
import { keyString, parseKey, type Clock, type Informer } from '../runtime/index.ts';
import type { LatestViews } from './ports.ts';
import { incomplete, isCompared, listableOf, sourceOf, unread, unsettled, type Source } from './rules.ts';
import { SharedWork } from './shared-work.ts';
import { standingsOf } from './standing.ts';
import { Telling, type TellingOptions } from './told.ts';
import { SnapshotView } from './view.ts';

export interface SnapshotViewsOptions {
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `connection`. */
  readonly accounts: Informer<AwsAccount>;
  readonly registry: ConnectionRegistry;
  readonly comparison: Pick<ReadingComparison, 'compare'>;
  readonly installation: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Whether this process may read AWS. */
  readonly leading: () => boolean;
  /** `--list-max-age`, ms. */
  readonly maxAgeMs: number;
}

/** A view, and what it was made of. */
interface Made {
  readonly view: SnapshotView;
  readonly reading: object;
  readonly revision: number;
  readonly accounts: number;
  readonly telling: Telling;
  readonly told: Omit<TellingOptions, 'snapshot'>;
}

/** What was told of an AWS account. */
interface Remembered {
  readonly accountId: string;
  made: Made | undefined;
  /** The reading that is known to lack nobody. */
  confirmed: object | undefined;
  /** Everybody who was in the last list. */
  ids: ReadonlyMap<string, unknown> | undefined;
  /** Who was lost, and AWS does not list any more. */
  gone: ReadonlySet<string>;
  /** A reading that did not have all groups, so that another one was asked for. */
  wanted: object | undefined;
  /** A reading that lacks somebody, and what is said of it. */
  lacking: { readonly reading: object; readonly error: DirectoryUnavailableError } | undefined;
}

/** Users that are younger than a reading may be in a listing and not in the reading (IAM is eventually consistent). */
const youngMs = 60_000;
/** A reading that is replaced before it was looked at: so often it is tried with the next one. */
const maxTries = 3;

/**
 * What is known of AWS accounts, from the last complete readings with our own writes in them. A view that lists are
 * made of is given only of a reading that was compared with what was last reconciled, and that lacks nobody whom
 * AWS lists: one who is renamed while an account is read may be on none of its pages.
 */
export class SnapshotViews implements LatestViews {
  readonly #options: SnapshotViewsOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #checks = new SharedWork<void>();

  constructor(options: SnapshotViewsOptions) {
    this.#options = options;
  }

  latest(connection: ConnectionName): DirectoryView {
    return this.#make(sourceOf(this.#circumstances(connection)));
  }

  /**
   * As `Directory.view`.
   * @throws {DirectoryUnavailableError}
   */
  async list(connection: ConnectionName, signal: AbortSignal): Promise<SnapshotView> {
    const view = await this.#settled(connection, signal);
    await view.prepare(signal);
    this.#wantWhole(connection, view);
    return view;
  }

  /** Where groups were made since the reading, it is not waited for the next one to know them: once for each reading. */
  #wantWhole(connection: ConnectionName, view: SnapshotView): void {
    const remembered = this.#remembered.get(keyString(connection));
    const reading = remembered?.made?.reading;
    if (
      remembered !== undefined &&
      remembered.wanted !== reading &&
      view.accounts().some(({ entitlements }) => entitlements === undefined)
    ) {
      remembered.wanted = reading;
      this.#options.registry.requestSnapshot(connection);
    }
  }

  /** A connection that lists may be made of now. @throws {DirectoryUnavailableError} */
  source(connection: ConnectionName): Source {
    return listableOf(this.#circumstances(connection));
  }

  async #settled(connection: ConnectionName, signal: AbortSignal): Promise<SnapshotView> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const source = this.source(connection);
      const remembered = this.#remember(source);
      if (isCompared(source) && this.#isWhole(source, remembered)) {
        // Nothing is awaited from here on.
        const view = this.#make(source);
        remembered.ids = view.ids;
        remembered.confirmed = source.snapshot.reading;
        return view;
      }
      await this.#checks.join(
        keyString(connection),
        (shared) => this.#check(connection, source, remembered, shared),
        signal,
      );
    }
    throw unsettled(connection);
  }

  /** Whether nobody is missing of whom that would not be known to be a deletion. */
  #isWhole({ snapshot, usable: { snapshots } }: Source, { confirmed, gone, ids }: Remembered): boolean {
    const lost = snapshots.lost.filter((id) => !gone.has(id));
    if (lost.length > 0 || (confirmed !== snapshot.reading && ids === undefined)) {
      return false;
    }
    return (
      confirmed === snapshot.reading ||
      Array.from(ids?.keys() ?? []).every(
        (id) => snapshot.byId(id) !== undefined || snapshots.fate(id) === 'deleted',
      )
    );
  }

  async #check(
    connection: ConnectionName,
    source: Source,
    remembered: Remembered,
    signal: AbortSignal,
  ): Promise<void> {
    const { object, state, usable } = source;
    if (!isCompared(source)) {
      await this.#options.comparison.compare(object, state, usable, signal);
    }
    const { reading } = source.snapshot;
    const now = usable.snapshots.current;
    if (now?.reading !== reading || this.#isWhole({ ...source, snapshot: now }, remembered)) {
      return;
    }
    if (remembered.lacking?.reading === reading) {
      throw remembered.lacking.error;
    }
    await this.#confirm(connection, source, remembered, signal);
  }

  /** A listing of its own tells who is there whatever a reading shows. */
  async #confirm(
    connection: ConnectionName,
    { snapshot, usable: { api, key, settings, snapshots } }: Source,
    remembered: Remembered,
    signal: AbortSignal,
  ): Promise<void> {
    const { pageSize } = settings;
    const lost = new Set(snapshots.lost);
    const listed = await listUsers(api, { pageSize, signal, priority: 'background' }).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw isAwsError(error) ? unread(connection, 'The users', error.message) : error;
      },
    );
    const after = snapshots.current;
    if (after?.reading !== snapshot.reading) {
      return;
    }
    const oldest = snapshot.takenAt + api.skewMs - youngMs;
    const unseen = listed.find(
      ({ createdAt, userId }) =>
        after.byId(userId) === undefined && snapshots.fate(userId) !== 'deleted' && createdAt < oldest,
    );
    if (unseen !== undefined) {
      this.#options.registry.requestSnapshot(key);
      const error = incomplete(connection, unseen.userName);
      remembered.lacking = { reading: snapshot.reading, error };
      throw error;
    }
    remembered.confirmed = snapshot.reading;
    remembered.gone = lost;
  }

  #circumstances(connection: ConnectionName) {
    const { accounts, clock, connections, leading, maxAgeMs, registry } = this.#options;
    return {
      connection,
      leading: leading(),
      synced: connections.hasSynced && accounts.hasSynced,
      object: connections.get(connection),
      state: registry.peek(connection),
      now: clock.now(),
      maxAgeMs,
    };
  }

  #remember({ usable: { caller, key } }: Source): Remembered {
    const name = keyString(key);
    let known = this.#remembered.get(name);
    if (known?.accountId !== caller.accountId) {
      known = {
        accountId: caller.accountId,
        made: undefined,
        confirmed: undefined,
        ids: undefined,
        gone: new Set(),
        lacking: undefined,
        wanted: undefined,
      };
      for (const other of this.#remembered.keys()) {
        if (this.#options.connections.get(parseKey(other)) === undefined) {
          this.#remembered.delete(other);
        }
      }
      this.#remembered.set(name, known);
    }
    return known;
  }

  #make(source: Source): SnapshotView {
    const { accounts, installation } = this.#options;
    const { snapshot, usable } = source;
    const { reading, revision } = snapshot;
    const remembered = this.#remember(source);
    const told = {
      schema: usable.schema,
      policyGroup: usable.settings.policyGroup,
      lastActivity: usable.settings.passwordLastUsed,
    };
    const { made } = remembered;
    const same = made?.reading === reading && isDeepStrictEqual(made.told, told) ? made : undefined;
    if (same?.revision === revision && same.accounts === accounts.revision) {
      return same.view;
    }
    const telling = same?.telling ?? new Telling({ ...told, snapshot });
    const standing = standingsOf({
      accounts: accounts.byIndex('connection', keyString(usable.key)),
      snapshot,
      installation,
    });
    const view = new SnapshotView({ snapshot, schema: (same?.told ?? told).schema, telling, standing });
    remembered.made = {
      view,
      reading,
      revision,
      accounts: accounts.revision,
      telling,
      told: same?.told ?? told,
    };
    return view;
  }
}
