import { isAwsError } from '../../src/aws/index.ts';
import type {
  ConnectionName,
  DirectoryAccount,
  DirectoryCatalogue,
  DirectoryEntitlement,
  DirectoryView,
} from '../../src/idhub/index.ts';
import {
  catalogueRecords,
  IncompleteReadingError,
  inlineRecords,
  readCatalogue,
  type Catalogue,
} from '../../src/reconciliation/index.ts';
import { keyString, type Clock } from '../runtime/index.ts';
import { unread, type Source } from './rules.ts';
import { SharedWork } from './shared-work.ts';
import { entitlementTold } from './told.ts';
import type { SnapshotViews } from './views.ts';

export interface CataloguesOptions {
  readonly views: Pick<SnapshotViews, 'list' | 'source'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Time between two readings of the policies of one AWS account, ms. */
  readonly intervalMs: number;
}

/** Managed policies, read at one time. */
interface Policies {
  readonly accountId: string;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
  readonly told: readonly DirectoryEntitlement[];
}

/** A reading that failed. */
interface Failure {
  readonly at: number;
  readonly error: Error;
}

/** Who asks again sooner is told the same: AWS is not asked anew by every request. */
const retryMs = 15_000;

/** What users of AWS accounts can be given: groups and inline policies as they were last read, and managed policies. */
export class Catalogues {
  readonly #options: CataloguesOptions;
  readonly #policies = new Map<string, Policies>();
  readonly #failures = new Map<string, Failure>();
  readonly #readings = new SharedWork<Policies>();
  /** Inline policies of accounts, which are not changed but replaced. */
  readonly #inline = new WeakMap<DirectoryAccount, readonly DirectoryEntitlement[]>();
  /** By what they were made of: whoever pages through one asks for it time and again. */
  readonly #made = new WeakMap<
    DirectoryView,
    { readonly policies: Policies; readonly made: DirectoryCatalogue }
  >();

  constructor(options: CataloguesOptions) {
    this.#options = options;
  }

  /**
   * As `Directory.catalogue`.
   * @throws {DirectoryUnavailableError}
   */
  async list(connection: ConnectionName, signal: AbortSignal): Promise<DirectoryCatalogue> {
    const policies = await this.#read(connection, signal);
    const view = await this.#options.views.list(connection, signal);
    const known = this.#made.get(view);
    if (known?.policies === policies) {
      return known.made;
    }
    const inline = view.accounts().flatMap((account) => this.#inlineOf(account));
    const all = [...view.groups().map(withoutMembers), ...policies.told, ...inline].sort((one, other) =>
      one.id < other.id ? -1 : 1,
    );
    const byId = new Map(all.map((entitlement) => [entitlement.id, entitlement]));
    const made: DirectoryCatalogue = {
      takenAt: Math.min(view.takenAt, policies.readAt),
      entitlements: () => all,
      entitlement: (id) => byId.get(id),
    };
    this.#made.set(view, { policies, made });
    return made;
  }

  /** The policies that are known, where they are new enough; else all waits for new ones. */
  async #read(connection: ConnectionName, signal: AbortSignal): Promise<Policies> {
    const { clock, intervalMs, views } = this.#options;
    const name = keyString(connection);
    const source = views.source(connection);
    const { accountId } = source.usable.caller;
    const known = this.#policies.get(name);
    if (known?.accountId === accountId && clock.now() - known.readAt < intervalMs) {
      return known;
    }
    const failure = this.#failures.get(name);
    if (failure !== undefined && clock.now() - failure.at < retryMs) {
      throw failure.error;
    }
    return this.#readings.join(name, (shared) => this.#begin(connection, source, shared), signal);
  }

  async #begin(connection: ConnectionName, source: Source, signal: AbortSignal): Promise<Policies> {
    const { clock } = this.#options;
    const name = keyString(connection);
    const { api, caller, settings } = source.usable;
    const { accountId } = caller;
    const readAt = clock.now();
    let catalogue: Catalogue;
    try {
      catalogue = await readCatalogue(api, {
        accountId,
        pageSize: settings.pageSize,
        snapshot: source.snapshot,
        signal,
        priority: 'background',
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isAwsError(error) && !(error instanceof IncompleteReadingError)) {
        throw error;
      }
      const told = unread(connection, 'The policies', error.message);
      this.#failures.set(name, { at: clock.now(), error: told });
      throw told;
    }
    // Groups are told as they are at the time of asking.
    const records = catalogueRecords({ groups: [], policies: catalogue.policies });
    const policies = { accountId, readAt, told: records.map((record) => entitlementTold(record)) };
    this.#policies.set(name, policies);
    this.#failures.delete(name);
    return policies;
  }

  #inlineOf(account: DirectoryAccount): readonly DirectoryEntitlement[] {
    let known = this.#inline.get(account);
    if (known === undefined) {
      known = (inlineRecords(account) ?? []).map((record) => entitlementTold(record));
      this.#inline.set(account, known);
    }
    return known;
  }
}

/** As an entitlement a group is told without its members: its version is not to change with them. */
function withoutMembers({ version: _version, ...record }: DirectoryEntitlement): DirectoryEntitlement {
  return entitlementTold(record);
}
