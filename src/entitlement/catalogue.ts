import { pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Clock } from '../ports.ts';
import { fold } from '../schema/index.ts';
import { nameInArn, type Entitlement, type Reference } from './reference.ts';

type Scope = 'AWS' | 'Local';

export type Found =
  | { readonly kind: 'found'; readonly entitlement: Entitlement }
  /** No such policy in a list read at `readAt`, milliseconds since the epoch; it is read again after `againMs`. */
  | { readonly kind: 'missing'; readonly readAt: number; readonly againMs: number };

interface Shelf {
  byName: Map<string, string>;
  readAt: number | undefined;
  running: Promise<void> | undefined;
}

/** After a name was not found, the list is read again this much later at the earliest. */
const rereadMs = 60_000;
const pageSize = 1_000;

/**
 * The managed policies that there are, by name: those of AWS (about 1,400, with paths that nobody
 * knows by heart) and the account's own. Each list is read when a name is first asked for, once for
 * all who ask, and again when a name is not in it.
 */
export class PolicyCatalogue {
  readonly #api: AwsApi;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #shelves: Readonly<Record<Scope, Shelf>> = {
    AWS: { byName: new Map(), readAt: undefined, running: undefined },
    Local: { byName: new Map(), readAt: undefined, running: undefined },
  };
  readonly #doubted = new Set<string>();

  constructor(options: { readonly api: AwsApi; readonly clock: Pick<Clock, 'now'> }) {
    this.#api = options.api;
    this.#clock = options.clock;
  }

  /**
   * The policy that a reference names. One that is named by its ARN is taken at its word, without a
   * call, unless AWS said that there is no such policy.
   * @throws {AwsError}
   */
  async find(reference: Reference, options: CallOptions): Promise<Found> {
    const { type, name, arn } = reference;
    if (arn !== undefined && !this.#doubted.has(arn)) {
      return { kind: 'found', entitlement: { type, name, arn } };
    }
    const scope = type === 'AwsManagedPolicy' ? 'AWS' : 'Local';
    const shelf = this.#shelves[scope];
    const known = (): string | undefined => shelf.byName.get(fold(name));
    const age = shelf.readAt === undefined ? Infinity : this.#clock.now() - shelf.readAt;
    if (known() === undefined && (age >= rereadMs || shelf.running !== undefined)) {
      await this.#reading(scope, options);
    }
    const found = known();
    if (found !== undefined) {
      this.#doubted.delete(found);
      return {
        kind: 'found',
        entitlement: { type, name: nameInArn(found), arn: found },
      };
    }
    const readAt = shelf.readAt ?? 0;
    return { kind: 'missing', readAt, againMs: Math.max(0, readAt + rereadMs - this.#clock.now()) };
  }

  /** AWS says that there is no such policy. */
  doubt({ type, name, arn }: Entitlement): void {
    this.#doubted.add(arn);
    this.#shelves[type === 'AwsManagedPolicy' ? 'AWS' : 'Local'].byName.delete(fold(name));
  }

  #reading(scope: Scope, options: CallOptions): Promise<void> {
    const shelf = this.#shelves[scope];
    shelf.running ??= this.#read(scope, options).finally(() => {
      shelf.running = undefined;
    });
    return shelf.running;
  }

  async #read(scope: Scope, options: CallOptions): Promise<void> {
    const began = this.#clock.now();
    const byName = new Map<string, string>();
    for await (const page of pages(
      this.#api,
      'ListPolicies',
      { Scope: scope, MaxItems: pageSize },
      options,
    )) {
      for (const { PolicyName: name, Arn: arn } of page.Policies ?? []) {
        if (name !== undefined && arn !== undefined) {
          byName.set(fold(name), arn);
        }
      }
    }
    const shelf = this.#shelves[scope];
    shelf.byName = byName;
    shelf.readAt = began;
  }
}
