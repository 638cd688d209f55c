import { DirectoryUnavailableError } from '../model.ts';
import type { Flight } from './flight.ts';
import type { Ending, Standing } from './model.ts';
import type { OperationDeskOptions } from './options.ts';
import { isGivenUp, letsIn, mayBeginMs, ShutOut, shutsOut } from './patience.ts';
import { endingOf, findAccount, perform, type Found } from './perform.ts';
import { keptMs, type OperationHost, type OperationRecord } from './ports.ts';
import { refusal, troubleMs } from './sentences.ts';

/** Tries operations, and writes down what it takes to try them again and how they ended. */
export class Attempts {
  readonly #options: OperationDeskOptions;
  readonly #shutOut = new ShutOut();

  constructor(options: OperationDeskOptions) {
    this.#options = options;
  }

  /** @returns how it stands now, or after which time it is tried again */
  async attempt(flight: Flight, signal: AbortSignal): Promise<Standing | { readonly afterMs: number }> {
    const { connection, operation, caller, requestId } = flight;
    const { clock, host: hostOf } = this.#options;
    if (flight.record?.ending !== undefined) {
      return flight.record.ending;
    }
    const before = flight.record;
    const accepted = before?.accepted === true;
    const age = flight.promised ? clock.now() - flight.at : 0;
    const late = age > mayBeginMs(operation) && !accepted;
    if (age > keptMs || (late && before === undefined)) {
      const minutes = Math.round(mayBeginMs(operation) / 60_000);
      const message = accepted
        ? 'It was not finished within 7 days, and nobody follows it any more.'
        : `It could not be begun within ${minutes} minutes, and may not be wanted any more: send it anew.`;
      return this.#keep(flight, refusal('conflict', message), signal);
    }
    const host = hostOf(connection);
    if (host === undefined) {
      return this.#keep(flight, refusal('missing', 'The connection is gone.'), signal);
    }
    const found = await this.#find(flight, host, signal);
    if (found.kind === 'missing') {
      return this.#keep(flight, found.ending, signal, flight.promised || found.readAt >= flight.at);
    }
    const account = found.kind === 'account' ? found.account : undefined;
    const user = `${connection.namespace}/${connection.name} ${account?.id ?? ''}`;
    if (letsIn(operation) && this.#shutOut.isSince(user, flight.order)) {
      const message = 'A later operation has disabled the user, or taken something from them.';
      return this.#keep(flight, refusal('conflict', message), signal);
    }
    if (before === undefined) {
      // Before anything is written: whoever comes after a sudden end knows that, and on whom, it had begun.
      await this.#put(flight, { account, ending: undefined }, signal);
    }
    const context = {
      caller,
      ...(requestId === undefined ? {} : { requestId }),
      operationId: operation.operationId,
      ...(late || (accepted && letsIn(operation)) ? { joins: true } : {}),
      signal,
    };
    const outcome = await perform(operation, account?.id, host.directory, context);
    if (outcome.kind === 'pending') {
      const behind = outcome.behind === true;
      if (behind && (late || (flight.promised && letsIn(operation)))) {
        return this.#keep(flight, refusal('conflict', outcome.message), signal);
      }
      if (!accepted && !behind) {
        await this.#put(flight, { account, accepted: true, ending: undefined }, signal);
      }
      return { afterMs: outcome.retryAfterMs };
    }
    if (outcome.kind === 'refused' && outcome.refusal.kind === 'missing' && account !== undefined) {
      await this.#requireGone(account.id, host, signal);
    }
    if (outcome.kind === 'refused') {
      flight.hindered += flight.promised ? 1 : 0;
      flight.overruled += accepted ? 1 : 0;
    }
    const over = late || isGivenUp(operation, flight);
    const ending = endingOf(operation, outcome, account, { begun: before !== undefined, over });
    if (ending !== undefined) {
      if (ending.status === 'done' && shutsOut(operation)) {
        this.#shutOut.note(user, flight.order);
      }
      return this.#keep(flight, ending, signal);
    }
    const message = outcome.kind === 'refused' ? outcome.refusal.message : '';
    return flight.promised
      ? { afterMs: troubleMs }
      : { status: 'failed', reason: 'conflict', message, retryAfterMs: troubleMs };
  }

  /** Who is missing from what is known now may be there all the same: that nobody is there takes a whole reading. */
  async #find(
    { operation, record }: Flight,
    host: OperationHost,
    signal: AbortSignal,
  ): Promise<Exclude<Found, { kind: 'missing' }> | (Found & { kind: 'missing'; readAt: number })> {
    const found = findAccount(operation, record, () => host.latest());
    if (found.kind !== 'missing') {
      return found;
    }
    const view = await host.view(signal);
    const sure = findAccount(operation, record, () => view);
    return sure.kind === 'missing' ? { ...sure, readAt: view.takenAt } : sure;
  }

  /** @throws {DirectoryUnavailableError} where the user is there, or that cannot be told */
  async #requireGone(id: string, host: OperationHost, signal: AbortSignal): Promise<void> {
    if ((await host.view(signal)).account(id) !== undefined) {
      throw new DirectoryUnavailableError('AWS was not read as a whole yet.', { retryAfterMs: troubleMs });
    }
  }

  /** @param lasts it will be so as well when it is asked for again; else that is looked at anew */
  async #keep(flight: Flight, ending: Ending, signal: AbortSignal, lasts = true): Promise<Ending> {
    if (lasts) {
      await this.#put(flight, { ...flight.record, account: flight.record?.account, ending }, signal);
    }
    const { connection, caller, requestId, operation } = flight;
    const { operationId, kind } = operation;
    this.#options.audit({ connection, operationId, kind, caller, requestId, ending });
    return ending;
  }

  async #put(
    flight: Flight,
    { account, accepted, ending }: Pick<OperationRecord, 'account' | 'accepted' | 'ending'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, operation, digest } = flight;
    const { operationId, kind } = operation;
    const begunAt = flight.record?.begunAt ?? this.#options.clock.now();
    const record = {
      operationId,
      kind,
      digest,
      begunAt,
      account,
      ...(accepted === undefined ? {} : { accepted }),
      ending,
    };
    await this.#options.store.put(connection, record, signal);
    flight.record = record;
  }
}
