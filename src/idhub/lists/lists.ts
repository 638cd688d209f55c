import { hash } from 'node:crypto';
import { ScimError, type JsonObject, type ListQuery } from '../../scim/index.ts';
import type { Clock } from '../../ports.ts';
import type { ConnectionName } from '../model.ts';
import { requireKnown } from '../resources/index.ts';
import type { Collection } from './collection.ts';
import { pinLimits, Pins, type Pin, type PinLimits } from './pins.ts';
import { select, type Selected } from './select.ts';

export interface ListRequest {
  /** Who asks: each has lists of its own. */
  readonly caller: string;
  readonly connection: ConnectionName;
  /** What is listed, and of which service, as its address: `https://aws.example.com/scim/v2/Users`. */
  readonly address: string;
  readonly query: ListQuery;
  /** What there is now; not asked where an earlier page says what there was. */
  collections(): Promise<readonly Collection[]>;
}

export interface ListPage {
  readonly resources: readonly JsonObject[];
  /** Of all that fit. */
  readonly total: number;
  readonly startIndex: number;
}

export interface ListsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly limits?: Partial<PinLimits>;
  /** Most resources of a page, also of one that says no count; without it IDHub would take a page for everything. */
  readonly maxPage?: number;
}

/**
 * Pages of lists that do not change while they are read: all pages of a list that was begun at `startIndex` 1 show
 * the moment of its first page, for ten minutes, by who asks, what is asked and the size of pages. A page of a list that is not kept
 * any more is refused: a page of another moment could leave somebody out, and whoever is not in a list counts as
 * deleted in IDHub. Whoever has just begun to answer does not know which lists were under way, and the same holds for
 * ten minutes.
 */
export class Lists {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #limits: PinLimits;
  readonly #maxPage: number;
  readonly #pins: Pins;
  /** Of each question, the key of the list that was begun last, whatever the size of its pages. */
  readonly #latest = new Map<string, string>();
  #since: number;

  constructor({ clock, limits = {}, maxPage = 20_000 }: ListsOptions) {
    this.#clock = clock;
    this.#limits = { ...pinLimits, ...limits };
    this.#maxPage = maxPage;
    this.#pins = new Pins(this.#limits);
    this.#since = clock.now();
  }

  /** From now on this process answers: others may have done so until now. */
  begin(): void {
    this.#since = this.#clock.now();
  }

  /** How many lists are kept. */
  get kept(): number {
    return this.#pins.size;
  }

  /**
   * A page of a list.
   * @throws {ScimError} `invalidFilter`, `invalidValue`; 409 where the list has to be read again from its beginning
   * @throws {DirectoryUnavailableError} where it is not known what is in the list
   */
  async page(request: ListRequest): Promise<ListPage> {
    const { startIndex } = request.query;
    const question = questionOf(request);
    const key = `${question} ${request.query.count}`;
    const found = startIndex === 1 ? undefined : this.#find(question, key);
    if (typeof found === 'object') {
      return this.#pageOf(found, request);
    }
    const young = this.#clock.now() - this.#since < this.#limits.keepMs;
    if (startIndex !== 1 && (found === 'lost' || (found === undefined && young))) {
      throw new ScimError(
        409,
        `This list is not kept any more as it was when its first page was read (${this.#limits.keepMs / 60_000} minutes at most, and not over a restart): read it again from startIndex=1.`,
      );
    }
    const collections = await request.collections();
    const selected = select(collections, request.query);
    if (request.query.count !== 0) {
      // Of all pages now: what is kept does not come to know more.
      requireAllKnown(selected, request.query);
    }
    const now = this.#clock.now();
    const pin: Pin = { caller: request.caller, collections, selected, since: now };
    const page = this.#pageOf(pin, request);
    if (request.query.count !== 0) {
      if (startIndex - 1 + page.resources.length < selected.length) {
        this.#pins.set(key, pin);
        this.#remember(question, key);
      } else if (startIndex === 1) {
        this.#pins.complete(key, now);
        if (typeof this.#find(question, key) !== 'object') {
          this.#remember(question, key);
        }
      }
    }
    return page;
  }

  /** Pages of one size belong together; who changes the size goes on with the list that was begun last. */
  #find(question: string, key: string): ReturnType<Pins['get']> {
    const now = this.#clock.now();
    const found = this.#pins.get(key, now);
    const other = this.#latest.get(question);
    return found ?? (other === undefined ? undefined : this.#pins.get(other, now));
  }

  #remember(question: string, key: string): void {
    this.#latest.delete(question);
    this.#latest.set(question, key);
    for (const oldest of this.#latest.keys()) {
      if (this.#latest.size <= this.#limits.lists) {
        break;
      }
      this.#latest.delete(oldest);
    }
  }

  #pageOf({ selected }: Pin, { query: { startIndex, count, wanted } }: ListRequest): ListPage {
    const size = Math.min(count ?? this.#maxPage, this.#maxPage);
    const shown = selected.slice(startIndex - 1, startIndex - 1 + size);
    requireAllKnown(shown, { wanted });
    return {
      resources: shown.map(({ collection, index }) => collection.render(index)),
      total: selected.length,
      startIndex,
    };
  }
}

function requireAllKnown(selected: readonly Selected[], { wanted }: Pick<ListQuery, 'wanted'>): void {
  for (const { collection, index } of selected) {
    requireKnown(collection.type, collection.unknown(index), wanted);
  }
}

/**
 * Pages may differ in what is shown of each resource. As a digest: questions may be long, and are remembered longer
 * than lists.
 */
function questionOf({ caller, connection, address, query }: ListRequest): string {
  const { filter = '', sortBy = '', descending } = query;
  const { namespace, name } = connection;
  return hash(
    'sha256',
    JSON.stringify([caller, namespace, name, address, filter, sortBy, descending]),
    'base64url',
  );
}
