import type { Applied } from '../../../src/account/index.ts';
import { awsAccountType, type AwsAccount } from '../../api/v1alpha1/index.ts';
import {
  applyStatusIfChanged,
  keyOf,
  removeFinalizer,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
} from '../../runtime/index.ts';
import { annotations, fieldManager, finalizer } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { lapsedKeys } from './key-memory.ts';
import { writeApplied } from './memory.ts';
import type { PartOutcome } from './parts.ts';
import { accountStatus, type Findings } from './status.ts';

export interface AccountRecordOptions {
  readonly client: Client;
  readonly accounts: Informer<AwsAccount>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Everything that is written to the cluster about an account: its memory, its status, its events. */
export class AccountRecord {
  readonly #options: AccountRecordOptions;

  constructor(options: AccountRecordOptions) {
    this.#options = options;
  }

  /** Writes the status if it says anything new, and an event where the account stops being Ready. */
  async report(account: AwsAccount, findings: Findings, signal: AbortSignal): Promise<void> {
    const { accounts, client, clock, events } = this.#options;
    const current = accounts.get(keyOf(account)) ?? account;
    if (current.metadata.uid !== account.metadata.uid) {
      return;
    }
    const before = current.status?.conditions?.find((condition) => condition.type === 'Ready');
    const { ready } = findings;
    const news = ready.reason !== before?.reason || before.status !== 'False';
    if (ready.status === 'False' && ready.reason !== 'Deleting' && news) {
      events.event(current, {
        type: 'Warning',
        reason: ready.reason,
        message: ready.message,
        action: 'Reconcile',
      });
    }
    await applyStatusIfChanged({
      client,
      type: awsAccountType,
      current,
      // The generation that was worked on, which may be older than the one in the cache by now.
      status: accountStatus({ ...current, metadata: account.metadata }, findings, clock.now()),
      fieldManager,
      informer: accounts,
      signal,
    });
  }

  /** Says that AWS was not asked, and why. */
  async waiting(
    account: AwsAccount,
    verdict: Verdict,
    status: 'False' | 'Unknown',
    signal: AbortSignal,
  ): Promise<void> {
    const told = { ...verdict, status };
    await this.report(
      account,
      {
        ready: told,
        synced: told,
        user: undefined,
        connection: undefined,
        inherited: [],
        audited: false,
        mended: [],
        parts: undefined,
      },
      signal,
    );
  }

  /** One patch of the object: the finalizer and what is to be remembered, together. */
  async remember(
    account: AwsAccount,
    noted: {
      readonly applied?: Applied;
      readonly userId?: string;
      /** Further annotations of ours, by name; null takes one away. */
      readonly annotations?: Readonly<Record<string, string | null>>;
    },
    signal: AbortSignal,
  ): Promise<AwsAccount> {
    const { accounts, client } = this.#options;
    const { uid, resourceVersion, finalizers = [] } = account.metadata;
    const written = await client.mergePatch(
      awsAccountType,
      keyOf(account),
      {
        metadata: {
          uid,
          resourceVersion,
          ...(finalizers.includes(finalizer) ? {} : { finalizers: [...finalizers, finalizer] }),
          annotations: {
            ...noted.annotations,
            ...(noted.applied === undefined ? {} : { [annotations.applied]: writeApplied(noted.applied) }),
            ...(noted.userId === undefined ? {} : { [annotations.userId]: noted.userId }),
          },
        },
      },
      { signal },
    );
    accounts.set(written);
    return written;
  }

  /** Notes that what belongs to the user is left alone: what is remembered of it is old from here on. */
  async lapse(account: AwsAccount, signal: AbortSignal): Promise<AwsAccount> {
    const noted = lapsedKeys(account);
    return noted === undefined ? account : this.remember(account, noted, signal);
  }

  /** Lets the object go. */
  async drop(account: AwsAccount, signal: AbortSignal): Promise<void> {
    const { client, accounts } = this.#options;
    // The status may have been written in this pass, which made `account` an old version.
    const latest = accounts.get(keyOf(account));
    const current = latest !== undefined && latest.metadata.uid === account.metadata.uid ? latest : account;
    await removeFinalizer({
      client,
      type: awsAccountType,
      current,
      finalizer,
      informer: accounts,
      signal,
    });
  }

  /** Tells people, in an event and in the log, what was done to a user. */
  note(
    account: AwsAccount,
    note: {
      readonly reason: string;
      readonly action: string;
      readonly message: string;
      readonly warning?: boolean;
    },
  ): void {
    const { reason, action, message } = note;
    this.#options.events.event(account, {
      type: note.warning === true ? 'Warning' : 'Normal',
      reason,
      message,
      action,
    });
    this.#options.logger.info(message, { account: keyOf(account), reason });
  }

  /** Tells what was done to password, keys and entitlements in a pass. */
  noteParts(parts: PartOutcome, opened: PartOutcome | undefined): void {
    const notes = [...(opened?.notes ?? []), ...parts.notes];
    if (notes.length > 0) {
      const reason = parts.mended.length > 0 ? 'DriftMended' : 'Updated';
      this.note(parts.account, { reason, action: 'Update', message: notes.join('; ') });
    }
  }
}
