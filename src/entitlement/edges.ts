import type { Edges, ObservedUser } from '../account/index.ts';
import { isAwsError, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Clock } from '../ports.ts';
import { sameName } from '../schema/index.ts';
import { inlinePolicy } from './document.ts';
import { listAttachedPolicies, listGroups } from './lists.ts';
import {
  edgeKey,
  nameInArn,
  typeOfPolicy,
  type Entitlement,
  type EntitlementType,
  type Reference,
} from './reference.ts';

/** An edge that is there. */
export interface Edge {
  readonly type: EntitlementType;
  /** As AWS writes it. */
  readonly name: string;
  /** Of a managed policy. */
  readonly arn: string | undefined;
  /** Of an inline policy, what its document means; undefined where it was not read. */
  readonly fingerprint: string | undefined;
}

/** The edge of a user to what a reference names, if it is there. Pure. */
export function findEdge(edges: Edges, { type, name }: Pick<Reference, 'type' | 'name'>): Edge | undefined {
  switch (type) {
    case 'Group': {
      const group = edges.groups.find((one) => sameName(one, name));
      return group === undefined ? undefined : { type, name: group, arn: undefined, fingerprint: undefined };
    }
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy': {
      const policy = edges.attachedPolicies.find(
        ({ arn }) => typeOfPolicy(arn) === type && sameName(nameInArn(arn), name),
      );
      return policy === undefined
        ? undefined
        : { type, name: nameInArn(policy.arn), arn: policy.arn, fingerprint: undefined };
    }
    case 'InlinePolicy': {
      const policy = edges.inlinePolicies.find((one) => one.name === name);
      return policy === undefined
        ? undefined
        : { type, name, arn: undefined, fingerprint: policy.fingerprint };
    }
  }
}

/** The edges without one, or with it. Pure. */
export function withEdge(
  edges: Edges,
  entitlement: Entitlement,
  document: string | undefined,
): Partial<Edges> {
  const { type, name, arn } = entitlement;
  const rest = withoutEdge(edges, entitlement);
  switch (type) {
    case 'Group':
      return { groups: [...(rest.groups ?? []), name] };
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy':
      return { attachedPolicies: [...(rest.attachedPolicies ?? []), { name, arn }] };
    case 'InlinePolicy':
      return { inlinePolicies: [...(rest.inlinePolicies ?? []), inlinePolicy(name, document ?? '')] };
  }
}

export function withoutEdge(edges: Edges, reference: Pick<Reference, 'type' | 'name'>): Partial<Edges> {
  const { type, name } = reference;
  switch (type) {
    case 'Group':
      return { groups: edges.groups.filter((one) => !sameName(one, name)) };
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy':
      return {
        attachedPolicies: edges.attachedPolicies.filter(
          ({ arn }) => typeOfPolicy(arn) !== type || !sameName(nameInArn(arn), name),
        ),
      };
    case 'InlinePolicy':
      return { inlinePolicies: edges.inlinePolicies.filter((one) => one.name !== name) };
  }
}

/** Makes the edge; made already is fine. An inline policy is written as it is declared. @throws {AwsError} */
export async function addEdge(
  api: AwsApi,
  userName: string,
  entitlement: Entitlement,
  document: string | undefined,
  options: CallOptions,
): Promise<void> {
  const { type, name, arn } = entitlement;
  switch (type) {
    case 'Group':
      await api.call('AddUserToGroup', { UserName: userName, GroupName: name }, options);
      return;
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy':
      await api.call('AttachUserPolicy', { UserName: userName, PolicyArn: arn }, options);
      return;
    case 'InlinePolicy':
      await api.call(
        'PutUserPolicy',
        { UserName: userName, PolicyName: name, PolicyDocument: document ?? '' },
        options,
      );
  }
}

/** Takes the edge away. @throws {AwsError} also `notFound`, which says that there was none */
export async function removeEdge(
  api: AwsApi,
  userName: string,
  entitlement: Entitlement,
  options: CallOptions,
): Promise<void> {
  const { type, name, arn } = entitlement;
  switch (type) {
    case 'Group':
      await api.call('RemoveUserFromGroup', { UserName: userName, GroupName: name }, options);
      return;
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy':
      await api.call('DetachUserPolicy', { UserName: userName, PolicyArn: arn }, options);
      return;
    case 'InlinePolicy':
      await api.call('DeleteUserPolicy', { UserName: userName, PolicyName: name }, options);
  }
}

/** Whether a `NoSuchEntity` speaks of the user, and not of the group or policy (AWS's own words). */
export function isUserMissing(error: unknown): boolean {
  return isAwsError(error, 'notFound') && /\buser with name\b/i.test(error.message);
}

/** What is known of users' edges: a snapshot store. */
export interface EdgeLedger {
  recordEdges(userId: string, change: (edges: Edges) => Partial<Edges>): void;
  observeEdges(userId: string, edges: Partial<Edges>): void;
}

/** How long AWS may go on showing what was before a write (IAM is eventually consistent). */
const settleMs = 30_000;
/** Bindings of one user that look within this time share one list. */
const sharedMs = 5_000;

interface OwnWrite {
  readonly at: number;
  readonly list: string;
  readonly change: (edges: Edges) => Partial<Edges>;
}

/**
 * Looks at the edges of single users, live, and makes and removes them, so that what AWS shows and what
 * was written here a moment ago are told together. One for an AWS account that is connected to.
 */
export class EdgeDesk {
  readonly #api: AwsApi;
  readonly #ledger: EdgeLedger;
  readonly #clock: Pick<Clock, 'now'>;
  /** By user and list: when it was last read. */
  readonly #looked = new Map<string, number>();
  /** By user: when its name was last seen to be its own. */
  readonly #confirmed = new Map<string, number>();
  /** By user, then by edge: our writes that AWS may not show yet. */
  readonly #written = new Map<string, Map<string, OwnWrite>>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: {
    readonly api: AwsApi;
    readonly ledger: EdgeLedger;
    readonly clock: Pick<Clock, 'now'>;
  }) {
    this.#api = options.api;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
  }

  /** One after another for one user, so that quotas are counted right and lists are shared. */
  async inTurn<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(userId) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(userId, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(userId) === settled) {
        this.#turns.delete(userId);
      }
    }
  }

  /**
   * Whether the name of a user is still its own: IAM's calls take names, and who is deleted and made again
   * under its name is another one. One live read, shared like the lists.
   * @param fresh also when that was read a moment ago
   * @throws {AwsError} `notFound` where nobody has the name
   */
  async confirm(
    { userId, userName }: Pick<ObservedUser, 'userId' | 'userName'>,
    options: CallOptions & { readonly fresh: boolean },
  ): Promise<boolean> {
    const now = this.#clock.now();
    if (!options.fresh && now - (this.#confirmed.get(userId) ?? -Infinity) < sharedMs) {
      return true;
    }
    const { User: user } = await this.#api.call('GetUser', { UserName: userName }, options);
    if (user?.UserId !== userId) {
      this.#confirmed.delete(userId);
      return false;
    }
    this.#forgetOld(now);
    this.#confirmed.set(userId, now);
    return true;
  }

  /**
   * Reads the list in which the edge would stand, to its end, and tells the ledger. An inline policy is
   * read by itself, with its document.
   * @param fresh also when the same list was read a moment ago
   * @returns false where that was so and nothing was read
   * @throws {AwsError} `notFound` where the user is not there
   */
  async look(
    user: ObservedUser,
    reference: Pick<Reference, 'type' | 'name'>,
    options: CallOptions & { readonly fresh: boolean },
  ): Promise<boolean> {
    const { userId } = user;
    const now = this.#clock.now();
    const list = listOf(reference);
    const key = `${userId}/${list}`;
    if (!options.fresh && now - (this.#looked.get(key) ?? -Infinity) < sharedMs) {
      return false;
    }
    const edges = await this.#read(user, reference, options);
    for (const { at, list: of, change } of this.#written.get(userId)?.values() ?? []) {
      if (of === list && now - at < settleMs) {
        Object.assign(edges, change(together(user, edges)));
      }
    }
    this.#ledger.observeEdges(userId, edges);
    this.#forgetOld(now);
    this.#looked.set(key, now);
    return true;
  }

  /** Makes the edge. @throws {AwsError} */
  async add(
    user: ObservedUser,
    entitlement: Entitlement,
    document: string | undefined,
    options: CallOptions,
  ): Promise<void> {
    await addEdge(this.#api, user.userName, entitlement, document, options);
    this.#wrote(user.userId, entitlement, (edges) => withEdge(edges, entitlement, document));
  }

  /**
   * Takes the edge away; that it was not there is fine.
   * @throws {AwsError} `notFound` where it is the user that AWS does not know by this name
   */
  async remove(user: ObservedUser, entitlement: Entitlement, options: CallOptions): Promise<void> {
    try {
      await removeEdge(this.#api, user.userName, entitlement, options);
    } catch (error) {
      if (!isAwsError(error, 'notFound') || isUserMissing(error)) {
        throw error;
      }
    }
    this.#wrote(user.userId, entitlement, (edges) => withoutEdge(edges, entitlement));
  }

  #wrote(userId: string, entitlement: Entitlement, change: OwnWrite['change']): void {
    this.#forgetOld(this.#clock.now());
    const of = this.#written.get(userId) ?? new Map<string, OwnWrite>();
    of.set(edgeKey(entitlement), { at: this.#clock.now(), list: listOf(entitlement), change });
    this.#written.set(userId, of);
    this.#ledger.recordEdges(userId, change);
  }

  async #read(
    user: ObservedUser,
    reference: Pick<Reference, 'type' | 'name'>,
    options: CallOptions,
  ): Promise<Partial<Edges>> {
    const UserName = user.userName;
    switch (reference.type) {
      case 'Group':
        return { groups: await listGroups(this.#api, UserName, options) };
      case 'AwsManagedPolicy':
      case 'CustomerManagedPolicy':
        return { attachedPolicies: await listAttachedPolicies(this.#api, UserName, options) };
      case 'InlinePolicy': {
        const others = user.inlinePolicies.filter(({ name }) => name !== reference.name);
        const found: Edges['inlinePolicies'][number][] = [];
        const read = async (): Promise<void> => {
          const input = { UserName, PolicyName: reference.name };
          const { PolicyDocument: document } = await this.#api.call('GetUserPolicy', input, options);
          found.push(inlinePolicy(reference.name, document ?? ''));
        };
        await read().catch((error: unknown) => {
          if (!isAwsError(error, 'notFound') || isUserMissing(error)) {
            throw error;
          }
        });
        return { inlinePolicies: [...others, ...found] };
      }
    }
  }

  #forgetOld(now: number): void {
    for (const read of [this.#looked, this.#confirmed]) {
      for (const [key, at] of read) {
        if (now - at >= sharedMs) {
          read.delete(key);
        }
      }
    }
    for (const [userId, edges] of this.#written) {
      for (const [edge, { at }] of edges) {
        if (now - at >= settleMs) {
          edges.delete(edge);
        }
      }
      if (edges.size === 0) {
        this.#written.delete(userId);
      }
    }
  }
}

function together(user: Edges, edges: Partial<Edges>): Edges {
  return { ...user, ...edges };
}

/** The list that shows an edge; an inline policy is read by itself. */
function listOf(reference: Pick<Reference, 'type' | 'name'>): string {
  switch (reference.type) {
    case 'Group':
      return 'groups';
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy':
      return 'attached';
    case 'InlinePolicy':
      return edgeKey(reference);
  }
}
