import { canonical } from '../../canonical.ts';
import { DirectoryUnavailableError, type ConnectionName } from '../model.ts';
import { Attempts } from './attempts.ts';
import { Flight, keyOf } from './flight.ts';
import type { Operation, OperationResult, Standing } from './model.ts';
import type { OperationDeskOptions, Submission } from './options.ts';
import { usersOf } from './perform.ts';
import { StoreFullError, type PromisedOperation } from './ports.ts';
import { hindranceOf, idUsed, interrupted, troubleMs, unavailable, underWay } from './sentences.ts';
import { Bound, Turns } from './turns.ts';

/** Operations under way at once, of all connections. */
const maxFlights = 2_000;

/**
 * Does operations, each once for its id: who sends it again joins it, or is told how it ended. Operations on one
 * user are done in the order in which they came, those on others at once. What does not end in time is written
 * down whole before it is answered as pending, and the next leader goes on with it. Belongs to the leader.
 */
export class OperationDesk {
  readonly #options: OperationDeskOptions;
  readonly #flights = new Map<string, Flight>();
  readonly #turns = new Turns();
  readonly #bounds = new Map<string, Bound>();
  readonly #attempts: Attempts;
  /** Aborts with the leadership. */
  #leading: AbortSignal | undefined;
  #order = 0;

  constructor(options: OperationDeskOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options);
  }

  /** Goes on with what was accepted, and takes operations until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, promises, trouble } = this.#options;
    for (;;) {
      try {
        const promised = await promises.list(signal);
        this.#leading = signal;
        this.#launch(promised.map((each) => this.#resume(each)));
        break;
      } catch (error) {
        signal.throwIfAborted();
        trouble('', error);
        await clock.sleep(troubleMs, signal);
      }
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /**
   * @returns how each stands, when all have ended or time is up
   * @throws {DirectoryUnavailableError} where nothing of it was taken, or it is not known whether all of it was
   */
  async submit(
    connection: ConnectionName,
    operations: readonly Operation[],
    { caller, requestId, signal }: Submission,
  ): Promise<readonly Standing[]> {
    this.#requireLeading();
    if (this.#flights.size + operations.length > maxFlights) {
      throw new DirectoryUnavailableError('Too many operations are under way.', { retryAfterMs: troubleMs });
    }
    const digests = await Promise.all(
      operations.map((operation) => this.#digest(connection, operation, signal)),
    );
    this.#requireLeading();
    const fresh: Flight[] = [];
    const asked = operations.map((operation, at) => {
      const digest = digests[at] ?? '';
      const present = this.#flights.get(keyOf(connection, operation.operationId));
      if (present !== undefined) {
        return present.digest === digest ? present : idUsed(operation);
      }
      const flight = this.#take(
        { connection, operation, caller, requestId, digest, order: this.#next() },
        false,
      );
      fresh.push(flight);
      return flight;
    });
    this.#launch(fresh);
    const flights = asked.filter((each) => each instanceof Flight);
    await this.#wait(flights, signal);
    const broken = await this.#promise(flights.filter(({ ended }) => ended === undefined));
    return asked.map((each) =>
      each instanceof Flight ? (each.ended ?? (each.promised ? underWay() : (broken ?? underWay()))) : each,
    );
  }

  /** What has not ended. */
  get backlog(): { readonly underWay: number; readonly oldestAt: number | undefined } {
    const times = [...this.#flights.values()].map(({ at }) => at);
    return { underWay: times.length, oldestAt: times.length === 0 ? undefined : Math.min(...times) };
  }

  /** How an operation stands; undefined where none of that id is known. */
  async standing(
    connection: ConnectionName,
    operationId: string,
    signal: AbortSignal,
  ): Promise<OperationResult | undefined> {
    this.#requireLeading();
    const flight = this.#flights.get(keyOf(connection, operationId));
    if (flight !== undefined) {
      return { operationId, kind: flight.operation.kind, ...(flight.ended ?? underWay()) };
    }
    const record = await this.#options.store.find(connection, operationId, signal);
    return record === undefined
      ? undefined
      : { operationId, kind: record.kind, ...(record.ending ?? interrupted()) };
  }

  #requireLeading(): AbortSignal {
    if (this.#leading === undefined || this.#leading.aborted) {
      throw new DirectoryUnavailableError('The connector begins or ends; ask again.', {
        retryAfterMs: 1_000,
      });
    }
    return this.#leading;
  }

  #digest(connection: ConnectionName, operation: Operation, signal: AbortSignal): Promise<string> {
    return this.#options.digest(
      `operation ${connection.namespace}/${connection.name}`,
      canonical(operation),
      signal,
    );
  }

  /** Later than all before. */
  #next(): number {
    this.#order = Math.max(this.#order + 1, this.#options.clock.now() * 1_000);
    return this.#order;
  }

  #take(promised: PromisedOperation, isPromised: boolean): Flight {
    const flight = new Flight(promised, isPromised);
    this.#flights.set(flight.key, flight);
    return flight;
  }

  #resume(promised: PromisedOperation): Flight {
    this.#order = Math.max(this.#order, promised.order);
    return this.#take(promised, true);
  }

  /** Does them, in this order; those that have ended already, or are not what they were, wait for nobody. */
  #launch(flights: readonly Flight[]): void {
    for (const flight of flights) {
      const place = this.#turns.enter(this.#usersOf(flight));
      void this.#guarded(flight, async () => {
        const known = await this.#recall(flight);
        if (known !== undefined) {
          return known;
        }
        await place.turn;
        return this.#fly(flight);
      }).finally(() => place.leave());
    }
  }

  /** Ends a flight with what the work comes to. What was promised is tried until it comes to something. */
  async #guarded(flight: Flight, work: () => Promise<Standing | undefined>): Promise<void> {
    const { clock, trouble } = this.#options;
    const signal = this.#leading;
    for (;;) {
      try {
        const end = await work();
        if (end !== undefined) {
          await this.#end(flight, end);
        }
        return;
      } catch (error) {
        if (signal?.aborted !== false) {
          this.#land(flight, interrupted());
          return;
        }
        if (hindranceOf(error) === undefined) {
          trouble(flight.operation.operationId, error);
        }
        if (!flight.promised) {
          this.#land(flight, unavailable(error));
          return;
        }
        const { retryAfterMs } = hindranceOf(error) ?? { retryAfterMs: troubleMs };
        await clock.sleep(retryAfterMs, signal).catch(() => undefined);
      }
    }
  }

  async #end(flight: Flight, end: Standing): Promise<void> {
    if (flight.promised && this.#leading !== undefined) {
      await this.#options.promises.remove([flight], this.#leading);
    }
    this.#land(flight, end);
  }

  #land(flight: Flight, end: Standing): void {
    this.#flights.delete(flight.key);
    flight.end(end);
  }

  /** What is known of an earlier try; how it ended, where it has. */
  async #recall(flight: Flight): Promise<Standing | undefined> {
    const { connection, operation, digest } = flight;
    const signal = this.#requireLeading();
    const record = await this.#options.store.find(connection, operation.operationId, signal);
    if (record !== undefined && record.digest !== digest) {
      return idUsed(operation);
    }
    flight.record = record;
    return record?.ending;
  }

  #usersOf(flight: Flight): readonly string[] {
    const { connection, operation } = flight;
    const nobody = { account: () => undefined, accountByName: () => undefined };
    const keys = usersOf(operation, () => {
      try {
        return this.#options.host(connection)?.latest() ?? nobody;
      } catch {
        // Met again, and told, when it is its turn.
        return nobody;
      }
    });
    return keys.map((key) => `${connection.namespace}/${connection.name} ${key}`);
  }

  async #fly(flight: Flight): Promise<Standing> {
    const signal = this.#requireLeading();
    const bound = this.#boundOf(flight);
    for (;;) {
      const step = await bound.run(() => this.#attempts.attempt(flight, signal));
      if ('status' in step) {
        return step;
      }
      await this.#options.clock.sleep(step.afterMs, signal);
    }
  }

  /** Who is to be shut out does not wait behind those who are to come in. */
  #boundOf({ connection: { namespace, name }, operation }: Flight): Bound {
    const key = `${namespace}/${name}${operation.kind === 'disable' ? ' disable' : ''}`;
    const bound = this.#bounds.get(key) ?? new Bound({ most: this.#options.atOnce });
    this.#bounds.set(key, bound);
    return bound;
  }

  /** Until all have ended, or time is up. */
  async #wait(flights: readonly Flight[], signal: AbortSignal): Promise<void> {
    const { clock, waitMs } = this.#options;
    const enough = new AbortController();
    const late = clock.sleep(waitMs, AbortSignal.any([signal, enough.signal]));
    try {
      await Promise.race([Promise.all(flights.map((flight) => flight.landed)), late]);
    } finally {
      enough.abort();
      late.catch(() => undefined);
    }
  }

  /** Writes down what has not ended. @returns what is answered where that cannot be done */
  async #promise(flights: readonly Flight[]): Promise<Standing | undefined> {
    const fresh = flights.filter(({ promised }) => !promised);
    if (fresh.length === 0) {
      return undefined;
    }
    const signal = this.#requireLeading();
    try {
      await this.#writeDown(fresh, signal);
    } catch (error) {
      this.#requireLeading();
      this.#options.trouble(fresh[0]?.operation.operationId ?? '', error);
      if (error instanceof StoreFullError) {
        return unavailable(error);
      }
      // Written or not, nobody knows: it counts as promised, which is made true or taken back.
      fresh.forEach((flight) => {
        flight.promised = true;
      });
      void this.#insist(fresh, signal);
      throw new DirectoryUnavailableError(
        'It is under way; whether it goes on should the connector end is not known now. Send it again.',
        { retryAfterMs: troubleMs, cause: error },
      );
    }
    fresh.forEach((flight) => {
      flight.promised = true;
    });
    return undefined;
  }

  /** What has ended meanwhile is taken away again. */
  async #writeDown(flights: readonly Flight[], signal: AbortSignal): Promise<void> {
    const { promises } = this.#options;
    const open = flights.filter(({ ended }) => ended === undefined);
    if (open.length > 0) {
      await promises.add(open, signal);
    }
    const over = flights.filter(({ ended }) => ended !== undefined);
    if (over.length > 0) {
      await promises.remove(over, signal);
    }
  }

  async #insist(flights: readonly Flight[], signal: AbortSignal): Promise<void> {
    const { clock, trouble } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(troubleMs, signal);
        await this.#writeDown(flights, signal);
        return;
      } catch (error) {
        if (!signal.aborted) {
          trouble(flights[0]?.operation.operationId ?? '', error);
        }
      }
    }
  }
}
