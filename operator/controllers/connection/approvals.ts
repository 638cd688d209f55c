import { isBurst, readBurst, writeBurst } from '../../../src/guard/index.ts';
import { awsConnectionType, type AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  formatTime,
  keyOf,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
} from '../../runtime/index.ts';
import { approverOf, writerOf } from '../approval.ts';
import { noteOnConnection } from '../connection-note.ts';
import { annotations } from '../names.ts';

export interface ApprovalsOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/**
 * Notes when somebody approves the deletions of a connection: what was deleted until then may go. The
 * time is written down, so that the same words approve nothing that is deleted later.
 */
export class Approvals {
  readonly #options: ApprovalsOptions;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** @returns whether there is a new one */
  async see(connection: AwsConnection, signal: AbortSignal): Promise<boolean> {
    const { client, clock, events } = this.#options;
    const { annotations: noted } = connection.metadata;
    const value = approverOf(connection.metadata);
    const now = clock.now();
    const burst = readBurst(noted?.[annotations.deletions], now);
    if (value === undefined || burst.approval?.value === value) {
      return false;
    }
    const key = keyOf(connection);
    // Where our note is lost, nobody knows since when these words are there: they approve nothing.
    const isNew = isBurst(noted?.[annotations.deletions]);
    const text = writeBurst({ ...burst, approval: { value, at: isNew ? now : 0 } });
    const written = await noteOnConnection(this.#options, connection, annotations.deletions, text, signal);
    if (!isNew) {
      return false;
    }
    events.event(written, {
      type: 'Normal',
      reason: 'DeletionApproved',
      action: 'Delete',
      message:
        `deletions of IAM users that were asked for until ${formatTime(now)} were approved by ` +
        `"${value}"${await writerOf(client, awsConnectionType, key, signal)}`,
    });
    return true;
  }
}
