import type { ObservedUser } from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import {
  edgeKey,
  findEdge,
  fullQuota,
  hasPath,
  inlineArn,
  isUserMissing,
  nameInArn,
  type Edge,
} from '../../../src/entitlement/index.ts';
import { after, done, keyString, type Clock, type Result } from '../../runtime/index.ts';
import type { ConnectionRegistry } from '../connection/index.ts';
import type { Verdict } from './conditions.ts';
import { conflictOf, decide, type Decision } from './decide.ts';
import type { ConnectionDesks } from './desks.ts';
import { arnOf, givenPolicies, resolveEntitlement } from './resolve.ts';
import { sameMemory, type EdgeMemory, type Origin } from './memory.ts';
import type { EntitlementGuard, Pass } from './pass.ts';
import type { BindingRecord } from './record.ts';
import { asDeclared, called, conflict, expired, full, noSuch, otherPath, whose } from './sentences.ts';
import { claimOf, untilExpiry, wantsOf, type Sharers, type Sharing } from './sharers.ts';
import type { Findings } from './status.ts';
import { arnInAws, compared, isNewlyOurs, wasSettled } from './view.ts';

export interface ConvergenceOptions {
  readonly registry: ConnectionRegistry;
  readonly record: BindingRecord;
  readonly sharers: Sharers;
  readonly desks: ConnectionDesks;
  readonly guard: EntitlementGuard;
  readonly clock: Clock;
}

const againMs = 5_000;
/** How soon it is looked again, in memory, whether a user has got the boundary that it lacks. */
const boundaryMs = 10_000;

/** Brings one edge of one user from what it is to what a binding declares. */
export class BindingConvergence {
  readonly #options: ConvergenceOptions;

  constructor(options: ConvergenceOptions) {
    this.#options = options;
  }

  /**
   * @throws {AwsError} what AWS refuses, what passes, and refused credentials
   * @throws {ApiError} a conflict, where the object has changed meanwhile
   */
  async converge(pass: Pass, userId: string): Promise<Result> {
    const { edges } = this.#options.desks.of(pass.connection);
    return edges.inTurn(userId, async () => {
      try {
        const { forced } = pass;
        const user = this.#user(pass, userId);
        if (user === undefined) {
          return this.#userMissing(pass, userId);
        }
        if (forced && this.#forbidden(pass, user) === undefined) {
          if (!(await edges.confirm(user, { signal: pass.signal, fresh: true }))) {
            return this.#anotherUser(pass, userId);
          }
          await edges.look(user, pass.reference, { signal: pass.signal, fresh: true });
        }
        return await this.#bring(pass, userId, forced);
      } catch (error) {
        if (isUserMissing(error)) {
          return this.#userMissing(pass, userId);
        }
        throw error;
      }
    });
  }

  async #bring(pass: Pass, userId: string, looked: boolean): Promise<Result> {
    const { binding, connection, reference, signal, awsNow } = pass;
    const user = this.#user(pass, userId);
    if (user === undefined) {
      return this.#userMissing(pass, userId);
    }
    const edge = findEdge(user, reference);
    const sharing = this.#sharing(pass, user);
    const wants = wantsOf(binding, awsNow);
    const refusal = this.#refusal(pass, user, sharing);
    if (refusal !== undefined) {
      return this.#hold(pass, user, refusal, 'False');
    }
    const decision = decide({
      wants,
      memory: pass.memory,
      edge: compared(pass, edge),
      looked,
      newlyOurs: isNewlyOurs(pass, user),
      expiresAt: binding.spec.expiresAt ?? null,
      shared: sharing.first?.wants === 'Present',
      sharedCreated: sharing.created,
    });
    switch (decision.do) {
      case 'look': {
        const desk = this.#options.desks.of(connection).edges;
        if (!(await desk.confirm(user, { signal, fresh: false }))) {
          return this.#anotherUser(pass, userId);
        }
        await desk.look(user, reference, { signal, fresh: false });
        return this.#bring(pass, userId, true);
      }
      case 'keep':
        return this.#keep(pass, user, decision);
      case 'yield':
        return this.#settled(pass, user, { keptFor: sharing.first?.name });
      case 'add':
      case 'rewrite':
        return this.#write(pass, user, edge, decision);
      case 'remove':
        return this.#remove(pass, user, edge, decision.revoked);
    }
  }

  #user(pass: Pass, userId: string): ObservedUser | undefined {
    return pass.connection.snapshots.current?.byId(userId);
  }

  /** Renamed or deleted in AWS since the reading, or made a moment ago and not to be seen everywhere. */
  #userMissing({ connection }: Pass, userId: string): Result {
    if (connection.snapshots.touchedAt(userId) === undefined) {
      this.#options.registry.requestSnapshot(connection.key);
    }
    return after(againMs);
  }

  /** Its name is somebody else's since the reading: deleted and made again, or renamed. */
  #anotherUser(pass: Pass, userId: string): Result {
    const { snapshots } = pass.connection;
    // Right after a write of ours AWS may show who had the name before.
    if (snapshots.touchedAt(userId) === undefined) {
      snapshots.lose(userId);
    }
    return this.#userMissing(pass, userId);
  }

  /** Before a write: whom we made a moment ago nobody has made again. */
  async #isStill(pass: Pass, user: ObservedUser): Promise<boolean> {
    const { edges } = this.#options.desks.of(pass.connection);
    return isNewlyOurs(pass, user) || (await edges.confirm(user, { signal: pass.signal, fresh: false }));
  }

  #sharing(pass: Pass, user: ObservedUser): Sharing {
    const { binding, connection, reference, awsNow } = pass;
    const { partition, accountId } = connection.caller;
    return this.#options.sharers.of(binding, {
      partition,
      accountId,
      connection,
      user,
      edge: edgeKey(reference),
      arn: arnInAws(pass, user),
      awsNow,
    });
  }

  /** Why nothing may be done, though AWS would let us. */
  #refusal(pass: Pass, user: ObservedUser, sharing: Sharing): Verdict | undefined {
    const { binding, reference, awsNow } = pass;
    const own = claimOf(binding, user.userId, awsNow);
    const other = conflictOf(own, sharing.first);
    if (other !== undefined) {
      return conflict(other, reference);
    }
    const arn = arnInAws(pass, user);
    if (arn !== undefined && !hasPath(reference, arn)) {
      return otherPath(reference, arn);
    }
    return this.#forbidden(pass, user);
  }

  /** By the connection's rules. What is there already is judged too; what has to be looked up is judged again then. */
  #forbidden(pass: Pass, user: ObservedUser): Verdict | undefined {
    const { binding, connection, document, awsNow } = pass;
    const policies = givenPolicies(pass, arnInAws(pass, user));
    const gives = wantsOf(binding, awsNow) === 'Present' ? { policies, document } : undefined;
    return this.#options.guard.refuses({ connection, user, gives });
  }

  async #keep(pass: Pass, user: ObservedUser, decision: Decision & { do: 'keep' }): Promise<Result> {
    const arn = arnOf(pass, user);
    const { origin, revoked } = decision;
    const next = await this.#remember(pass, user, { entitlement: arn, origin, revoked });
    return this.#settled(next, user, {});
  }

  async #write(
    pass: Pass,
    user: ObservedUser,
    edge: Edge | undefined,
    decision: Decision & { do: 'add' | 'rewrite' },
  ): Promise<Result> {
    const { connection, reference, document, signal } = pass;
    const resolved = await resolveEntitlement(pass, user, this.#options);
    if (resolved.kind === 'hold') {
      const { verdict, afterMs } = resolved;
      const status = verdict.reason === 'WaitingForEntitlement' ? 'Unknown' : 'False';
      await this.#hold(pass, user, verdict, status);
      return afterMs === undefined ? done() : after(afterMs);
    }
    const { entitlement } = resolved;
    const quota = fullQuota(user, reference, document, connection.quotas);
    const problem =
      this.#options.guard.refuses({
        connection,
        user,
        gives: { policies: givenPolicies(pass, entitlement.arn), document },
      }) ?? (quota === undefined ? undefined : full(quota, reference));
    if (problem !== undefined) {
      return this.#hold(pass, user, problem, 'False');
    }
    if (!(await this.#isStill(pass, user))) {
      return this.#anotherUser(pass, user.userId);
    }
    const { origin } = decision;
    const { edges, catalogue } = this.#options.desks.of(connection);
    const held = reference.type === 'InlinePolicy' ? entitlement.name : entitlement.arn;
    const next = await this.#remember(pass, user, {
      entitlement: held,
      origin,
      revoked: null,
    });
    // Its account may have renamed it meanwhile.
    const holder = this.#user(pass, user.userId);
    if (holder === undefined) {
      return this.#userMissing(pass, user.userId);
    }
    try {
      await edges.add(holder, entitlement, document, { signal });
    } catch (error) {
      if (!isAwsError(error) || error.isTransient || error.kind === 'badCredentials') {
        throw error;
      }
      // It was not made, and who makes it later is somebody else.
      const undone = await this.#remember(next, user, {
        entitlement: held,
        origin: pass.memory?.origin ?? null,
        revoked: null,
      });
      if (error.kind !== 'notFound' || isUserMissing(error)) {
        throw error;
      }
      catalogue.doubt(entitlement);
      return this.#hold(undone, user, noSuch(reference), 'Unknown');
    }
    const mended = wasSettled(pass) ? (edge === undefined ? 'the edge was gone' : 'document') : undefined;
    const what =
      decision.do === 'add'
        ? `gave ${called(entitlement)} to ${whose(user)}`
        : `wrote ${called(entitlement)} of ${whose(user)} as declared` +
          (pass.memory === undefined ? '; it was there with another document' : '');
    this.#options.record.note(next.binding, {
      reason: mended === undefined ? (decision.do === 'add' ? 'Granted' : 'Updated') : 'DriftMended',
      action: 'Grant',
      message: what,
    });
    return this.#settled(next, user, { mended });
  }

  async #remove(
    pass: Pass,
    user: ObservedUser,
    edge: Edge | undefined,
    revoked: string | null,
  ): Promise<Result> {
    const { connection, reference, signal } = pass;
    const { type, name } = edge ?? reference;
    const arn = arnOf(pass, user);
    if (!(await this.#isStill(pass, user))) {
      return this.#anotherUser(pass, user.userId);
    }
    // Whose edge it is, before it goes: a user of the same name that comes later is another one.
    const known =
      pass.memory === undefined
        ? await this.#remember(pass, user, { entitlement: arn, origin: null, revoked: null })
        : pass;
    const holder = this.#user(pass, user.userId);
    if (holder === undefined) {
      return this.#userMissing(pass, user.userId);
    }
    await this.#options.desks.of(connection).edges.remove(holder, { type, name, arn }, { signal });
    const mended = wasSettled(pass) && revoked === null ? 'the edge was there again' : undefined;
    const next = await this.#remember(known, user, { entitlement: arn, origin: null, revoked });
    this.#options.record.note(next.binding, {
      reason: mended !== undefined ? 'DriftMended' : revoked === null ? 'Revoked' : 'Expired',
      action: 'Revoke',
      message: `took ${called(reference)} from ${whose(user)}${revoked === null ? '' : `, which expired at ${revoked}`}`,
    });
    return this.#settled(next, user, { mended });
  }

  /** Writes down what is held, where that is new. */
  async #remember(
    pass: Pass,
    user: ObservedUser,
    held: {
      readonly entitlement: string;
      readonly origin: Origin | null;
      readonly revoked: string | null;
    },
  ): Promise<Pass> {
    const { binding, connection, reference, memory: before, signal } = pass;
    const same = before !== undefined && before.origin === held.origin;
    const memory: EdgeMemory = {
      connection: keyString(connection.key),
      account: connection.caller.accountId,
      userId: user.userId,
      userName: user.userName,
      type: reference.type,
      entitlement: held.entitlement,
      origin: held.origin,
      since: same ? before.since : this.#options.clock.now(),
      revoked: held.revoked,
    };
    if (sameMemory(before, memory)) {
      return pass;
    }
    return { ...pass, memory, binding: await this.#options.record.remember(binding, memory, signal) };
  }

  async #hold(
    pass: Pass,
    user: ObservedUser,
    verdict: Verdict,
    status: 'False' | 'Unknown',
  ): Promise<Result> {
    await this.#report(pass, user, { ...verdict, status }, undefined);
    const forced = pass.connection.guard.permissionsBoundary;
    // Its account may be about to bound the user; nothing else tells of that.
    const managed = pass.binding.spec.accountRef !== undefined;
    const soon = managed && verdict.reason === 'Refused' && forced !== undefined && user.boundary !== forced;
    return soon ? after(boundaryMs) : untilExpiry(pass.binding, pass.awsNow);
  }

  async #settled(
    pass: Pass,
    user: ObservedUser,
    more: { readonly keptFor?: string | undefined; readonly mended?: string | undefined },
  ): Promise<Result> {
    const { binding, reference, awsNow } = pass;
    const latest = this.#user(pass, user.userId) ?? user;
    const wants = wantsOf(binding, awsNow);
    const present = findEdge(latest, reference) !== undefined;
    const { expiresAt = '' } = binding.spec;
    const verdict =
      wants === 'Expired'
        ? expired(latest, reference, { expiresAt, keptFor: more.keptFor, present })
        : asDeclared(latest, reference, present);
    await this.#report(pass, latest, { ...verdict, status: 'True' }, more.mended);
    return untilExpiry(pass.binding, pass.awsNow);
  }

  async #report(
    pass: Pass,
    user: ObservedUser,
    ready: Findings['ready'],
    mended: string | undefined,
  ): Promise<void> {
    const { binding, reference, memory, signal } = pass;
    const edge = findEdge(user, reference);
    const known = arnOf(pass, user);
    const arn = reference.type === 'InlinePolicy' ? inlineArn(user.arn, reference.name) : known;
    const name =
      reference.type === 'Group' ? (edge?.name ?? nameInArn(known)) : (edge?.name ?? reference.name);
    await this.#options.record.report(
      binding,
      {
        ready,
        seen: {
          user,
          present: edge !== undefined,
          entitlement: { type: reference.type, name, arn: arn.startsWith('arn:') ? arn : undefined },
        },
        memory,
        mended,
      },
      signal,
    );
  }
}
