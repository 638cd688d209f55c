import type {
  AccountWrite,
  ConnectionName,
  Directories,
  Directory,
  DirectoryAccount,
  DirectoryCatalogue,
  DirectoryEntitlement,
  DirectoryView,
  EntitlementReference,
  Refusal,
  WriteContext,
  WriteOutcome,
} from '../../../../src/idhub/index.ts';
import type { UserEntitlement } from '../../../../src/reconciliation/index.ts';
import { fold, type AccountSchema } from '../../../../src/schema/index.ts';
import { account, catalogueOf, group, guideSchema, policy, viewOf } from '../../../src/idhub/directory.ts';

/** A write as a directory got it. */
export interface Asked {
  readonly act: 'create' | 'change' | 'remove';
  readonly id: string | undefined;
  readonly write: AccountWrite | undefined;
  readonly context: Omit<WriteContext, 'signal'>;
}

/** An AWS account in memory, in which writes are done at once: what a directory promises, without Kubernetes and AWS. */
export class FakeDirectory implements Directory {
  readonly connection: ConnectionName;
  readonly asked: Asked[] = [];
  schema: AccountSchema = guideSchema;
  groups: DirectoryEntitlement[] = ['admins', 'readers'].map((name) => group(name));
  policies: DirectoryEntitlement[] = [policy('ReadOnlyAccess'), policy('SecurityAudit')];
  /** What the next write comes to instead of being done. */
  next: WriteOutcome | undefined;
  /** Thrown by `view` and `catalogue`. */
  unavailable: Error | undefined;
  /** Thrown by `latest` too. */
  away: Error | undefined;
  /** Thrown by writes. */
  failing: Error | undefined;
  readonly #accounts = new Map<string, DirectoryAccount>();
  #ids = 0;
  #versions = 0;

  constructor(connection: ConnectionName = { namespace: 'team', name: 'aws' }) {
    this.connection = connection;
  }

  /** Somebody who is there already. */
  has(more: Partial<DirectoryAccount>): DirectoryAccount {
    const made = account({ userId: this.#makeId(), version: this.#makeVersion(), ...more });
    this.#accounts.set(made.userId, made);
    return made;
  }

  get accounts(): readonly DirectoryAccount[] {
    return [...this.#accounts.values()];
  }

  latest(): DirectoryView {
    if (this.away !== undefined) {
      throw this.away;
    }
    const members = (arn: string): string =>
      this.accounts
        .filter(({ entitlements }) => entitlements?.some((each) => each.arn === arn))
        .map(({ userId }) => userId)
        .join('-');
    return viewOf({
      accounts: this.accounts,
      groups: this.groups.map((each) => ({
        ...each,
        version: `${each.version}-${members(each.entitlementArn)}`,
      })),
      schema: this.schema,
    });
  }

  async view(): Promise<DirectoryView> {
    if (this.unavailable !== undefined) {
      throw this.unavailable;
    }
    return this.latest();
  }

  async catalogue(): Promise<DirectoryCatalogue> {
    if (this.unavailable !== undefined) {
      throw this.unavailable;
    }
    return catalogueOf([...this.groups, ...this.policies]);
  }

  async create(
    write: AccountWrite & { readonly userName: string },
    context: WriteContext,
  ): Promise<WriteOutcome> {
    const instead = this.#begin('create', undefined, write, context);
    if (instead !== undefined) {
      return instead;
    }
    if (this.latest().accountByName(write.userName) !== undefined) {
      return refusal('uniqueness', `There is a user "${write.userName}".`);
    }
    return this.#done(this.#apply(this.has({ userName: write.userName, attributes: {} }), write));
  }

  async change(id: string, write: AccountWrite, context: WriteContext): Promise<WriteOutcome> {
    const instead = this.#begin('change', id, write, context);
    if (instead !== undefined) {
      return instead;
    }
    const found = this.#accounts.get(id);
    if (found === undefined) {
      return refusal('missing', 'There is no such user.');
    }
    if (context.ifVersion !== undefined && !context.ifVersion.includes(found.version)) {
      return refusal('version', 'It was changed since.');
    }
    const named = write.userName === undefined ? undefined : this.latest().accountByName(write.userName);
    if (named !== undefined && named.userId !== id) {
      return refusal('uniqueness', `There is a user "${write.userName}".`);
    }
    return this.#done(this.#apply(found, write));
  }

  async remove(id: string, context: WriteContext): Promise<WriteOutcome> {
    const instead = this.#begin('remove', id, undefined, context);
    if (instead !== undefined) {
      return instead;
    }
    const found = this.#accounts.get(id);
    if (found === undefined) {
      return refusal('missing', 'There is no such user.');
    }
    if (context.ifVersion !== undefined && !context.ifVersion.includes(found.version)) {
      return refusal('version', 'It was changed since.');
    }
    this.#accounts.delete(id);
    return { kind: 'done', account: undefined, changed: true };
  }

  #begin(
    act: Asked['act'],
    id: string | undefined,
    write: AccountWrite | undefined,
    { signal: _signal, ...context }: WriteContext,
  ): WriteOutcome | undefined {
    this.asked.push({ act, id, write, context });
    if (this.failing !== undefined) {
      throw this.failing;
    }
    const instead = this.next;
    this.next = undefined;
    return instead;
  }

  #apply(found: DirectoryAccount, write: AccountWrite): DirectoryAccount {
    const { userName, path, attributes = {}, externalId, active, entitlements } = write;
    const next = Object.entries({ ...found.attributes, ...attributes }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    const gone = new Set((entitlements?.remove ?? []).map((each) => this.#edge(each)?.arn));
    const kept = (found.entitlements ?? []).filter(({ arn }) => !gone.has(arn));
    const added = (entitlements?.add ?? [])
      .flatMap((each) => this.#edge(each) ?? [])
      .filter(({ arn }) => !kept.some((each) => each.arn === arn));
    return {
      ...found,
      ...(userName === undefined ? {} : { userName }),
      ...(path === undefined ? {} : { path }),
      ...(active === undefined ? {} : { active }),
      ...(externalId === undefined ? {} : { externalId: externalId ?? undefined }),
      attributes: Object.fromEntries(next),
      entitlements: [...kept, ...added],
      managed: true,
      version: this.#makeVersion(),
    };
  }

  #edge(reference: EntitlementReference): UserEntitlement | undefined {
    const found = [...this.groups, ...this.policies].find((each) =>
      'arn' in reference
        ? each.entitlementArn === reference.arn
        : each.type === reference.type && fold(each.displayName) === fold(reference.name),
    );
    return found && { type: found.type, name: found.displayName, arn: found.entitlementArn };
  }

  #done(made: DirectoryAccount): WriteOutcome {
    this.#accounts.set(made.userId, made);
    return { kind: 'done', account: made, changed: true };
  }

  #makeId(): string {
    return `AIDA${String((this.#ids += 1)).padStart(6, '0')}`;
  }

  #makeVersion(): string {
    return `v${(this.#versions += 1)}`;
  }
}

export function refusal(kind: Refusal['kind'], message: string): WriteOutcome {
  return { kind: 'refused', refusal: { kind, message } };
}

export function fakeDirectories(...directories: readonly Directory[]): Directories {
  return {
    list: () => directories.map(({ connection }) => connection),
    get: ({ namespace, name }) =>
      directories.find(({ connection }) => connection.namespace === namespace && connection.name === name),
  };
}
