import {
  applySteps,
  identify,
  ownerValue,
  planChanges,
  readUser,
  sameApplied,
  type Identity,
  type ObservedUser,
  type Owner,
  type Plan,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { after, done, type Clock, type Result } from '../../runtime/index.ts';
import type { ConnectionRegistry } from '../connection/index.ts';
import { hasFinalizer } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { accessStatus } from './access.ts';
import { ownerOf } from './declared.ts';
import { baselineOf, lacksUserId, memoryOf, withoutStrangers } from './memory.ts';
import { knownOf, type Changed, type Part, type PartOutcome } from './parts.ts';
import type { AccountRecord } from './record.ts';
import { verdictOf } from './status.ts';
import { makeUser } from './make.ts';
import {
  adoption,
  asDeclared,
  broughtInLine,
  describeChange,
  eventReason,
  mendedFields,
  oneProblem,
} from './sentences.ts';
import { guardRefusal, guardProblems, refusalOf, type ClaimsOptions } from './claims.ts';
import { applyOptionsOf, findingsOf, sight, unchangedSince, type Pass } from './pass.ts';

export interface ConvergenceOptions extends ClaimsOptions {
  readonly registry: ConnectionRegistry;
  readonly record: AccountRecord;
  /** Password, keys, entitlements. */
  readonly parts: Part;
  readonly clock: Clock;
  readonly random: () => number;
  readonly installation: string;
}

/** How often the credentials of a disabled user are looked at, live, at the latest. */
const auditMs = 3_600_000;
/** What AWS shows of a user within this time of its making may be from before it. */
const youngMs = 60_000;
const againMs = 5_000;
/** Up to this share earlier, so that what began together does not go on together. */
const spreadShare = 0.1;
const noteMs = 60_000;

/** Brings one IAM user from what it is to what an AwsAccount declares. */
export class AccountConvergence {
  readonly #options: ConvergenceOptions;

  constructor(options: ConvergenceOptions) {
    this.#options = options;
  }

  /** @throws {AwsError} what passes, and refused credentials; what AWS refuses for good is reported */
  async converge(pass: Pass): Promise<Result> {
    if (!pass.forced || guardRefusal(pass, this.#identify(pass)) !== undefined) {
      return this.#converge(pass);
    }
    const { connection, declared, signal } = pass;
    const seen = sight(pass.snapshot, declared, pass.memory, ownerValue(this.#owner(pass.account)));
    const known = seen.byId ?? seen.byOwner ?? seen.byName;
    const live = await readUser(connection.api, known?.userName ?? declared.userName, known, { signal });
    if (live === undefined && known !== undefined) {
      this.#options.registry.requestSnapshot(connection.key);
    }
    return this.#converge(live === undefined ? pass : this.#seen(pass, live, known));
  }

  /** Says in the status what a call's failure means. */
  async reportFailure(pass: Pass, error: unknown): Promise<void> {
    const unseen = isAwsError(error) && (error.isTransient || error.kind === 'badCredentials');
    const failed = { ...verdictOf(error), status: unseen ? 'Unknown' : 'False' } as const;
    await this.#options.record.report(pass.account, findingsOf(pass, failed, failed, undefined), pass.signal);
  }

  /** From what is known to what is declared. */
  async #converge(pass: Pass): Promise<Result> {
    const { account, live } = pass;
    if (account.spec.management === 'Observe') {
      return this.#observe(pass);
    }
    const identity = this.#identify(pass);
    const refusal = refusalOf(pass, identity, this.#options);
    if (refusal !== undefined) {
      return this.#hold(pass, 'foreign', refusal);
    }
    switch (identity.kind) {
      case 'refused':
        return this.#hold(pass, 'foreign', { reason: identity.reason, message: identity.message });
      case 'absent':
        return this.#create(pass);
      case 'gone':
        return this.#vanished(pass, identity.userId);
      case 'ours':
      case 'adoptable': {
        const known = withoutStrangers(pass, identity);
        return live?.userId === identity.user.userId
          ? this.#change(known, identity, live)
          : this.#settleOrLook(known, identity);
      }
    }
  }

  #identify(pass: Pass): Identity {
    const owner = this.#owner(pass.account);
    return identify(
      pass.declared,
      owner,
      pass.memory,
      sight(pass.snapshot, pass.declared, pass.memory, ownerValue(owner)),
    );
  }

  #owner(account: AwsAccount): Owner {
    return ownerOf(account, this.#options.installation);
  }

  /** What was read live, taken into the snapshot and into the pass. */
  #seen(pass: Pass, live: ObservedUser, known: ObservedUser | undefined): Pass {
    const { snapshots } = pass.connection;
    const user = snapshots.observe(live);
    if (known !== undefined && known.userId !== live.userId && sameName(known.userName, live.userName)) {
      snapshots.lose(known.userId);
    }
    return { ...pass, live: user, snapshot: snapshots.current ?? pass.snapshot };
  }

  /** A second live look in one pass would chase a moving target: the next complete reading tells. */
  #lookAgainLater(pass: Pass): Result {
    this.#options.registry.requestSnapshot(pass.connection.key);
    return after(againMs);
  }

  #plan(pass: Pass, user: ObservedUser): Plan {
    const { account, connection, snapshot, declared, rules, memory, now } = pass;
    const named = snapshot.byName(declared.userName);
    const audited = Date.parse(account.status?.credentialsAuditedAt ?? '');
    return planChanges({
      declared,
      owner: this.#owner(account),
      awsAccount: connection.caller.accountId,
      rules,
      applied: memory.applied,
      user,
      nameTakenBy: named !== undefined && named.userId !== user.userId ? named : undefined,
      auditDue: Number.isNaN(audited) || now - audited >= auditMs * (1 - spreadShare),
      now,
    });
  }

  /** Nothing to do by the snapshot: say so. Something to do: look live first, then do it. */
  async #settleOrLook(pass: Pass, identity: Identity & { kind: 'ours' | 'adoptable' }): Promise<Result> {
    const { user } = identity;
    const plan = this.#plan(pass, user);
    const announced = hasFinalizer(pass.account.metadata) && sameApplied(pass.memory.applied, plan.after);
    if (identity.kind === 'ours' && plan.steps.length === 0 && announced) {
      const account = lacksUserId(pass.account, user.userId)
        ? await this.#options.record.remember(pass.account, { userId: user.userId }, pass.signal)
        : pass.account;
      return this.#settled({ ...pass, account }, user, plan);
    }
    if (pass.live !== undefined) {
      return this.#lookAgainLater(pass);
    }
    const { connection, signal } = pass;
    const priority = pass.declared.enabled ? 'interactive' : 'urgent';
    const live = await readUser(connection.api, user.userName, user, { signal, priority });
    if (live === undefined) {
      if (connection.snapshots.touchedAt(user.userId) === undefined) {
        // Renamed or deleted in AWS since the reading: only a complete one can tell which.
        this.#options.registry.requestSnapshot(connection.key);
      }
      return after(againMs);
    }
    return this.#converge(this.#seen(pass, live, user));
  }

  /** Writes down what is about to be ours, does the steps, and writes down what is ours now. */
  async #change(
    pass: Pass,
    identity: Identity & { kind: 'ours' | 'adoptable' },
    live: ObservedUser,
  ): Promise<Result> {
    const { account, signal, connection, memory } = pass;
    const plan = this.#plan(pass, live);
    const adopted = identity.kind === 'adoptable';
    // The id too: after a rename that broke off, neither name would tell which user it is.
    const first =
      !sameApplied(memory.applied, plan.before) ||
      !hasFinalizer(account.metadata) ||
      (plan.steps.length > 0 && lacksUserId(account, live.userId)) ||
      adopted;
    let current = first
      ? await this.#options.record.remember(
          account,
          {
            applied: plan.before,
            userId: live.userId,
            ...(memory.applied === undefined ? { annotations: baselineOf(account) } : {}),
          },
          signal,
        )
      : account;
    if (adopted) {
      this.#options.record.note(current, {
        reason: 'Adopted',
        action: 'Adopt',
        message: adoption(live, identity.previousOwner),
      });
    }
    let opened: PartOutcome | undefined;
    const outcome = await applySteps(connection.api, live, plan.steps, {
      ...applyOptionsOf(pass),
      beforeOpening: async (user) => {
        opened = await this.#options.parts.bring({
          pass: { ...pass, account: current },
          user,
          opening: true,
        });
        current = opened.account;
      },
    });
    let latest = current;
    if (outcome.refused.length === 0 && !sameApplied(plan.before, plan.after)) {
      latest = await this.#options.record.remember(
        current,
        { applied: plan.after, userId: live.userId },
        signal,
      );
    }
    const drifted = memory.applied !== undefined && !adopted && unchangedSince(account);
    const mended = drifted ? mendedFields(pass, plan, outcome) : [];
    const brought = broughtInLine(plan, outcome);
    if (brought.length > 0 || outcome.notes.length > 0) {
      this.#options.record.note(latest, {
        reason: mended.length > 0 ? 'DriftMended' : eventReason(plan),
        action: 'Update',
        message: describeChange(outcome.user, brought, outcome.notes),
      });
    }
    return this.#settled({ ...pass, account: latest }, outcome.user, plan, {
      mended,
      refused: outcome.refused.map(({ error }) => verdictOf(error)),
      known: knownOf(outcome, opened),
    });
  }

  async #create(pass: Pass): Promise<Result> {
    const outcome = await makeUser(pass, this.#owner(pass.account), this.#options.record);
    switch (outcome.kind) {
      case 'refused':
        return this.#hold(pass, 'absent', outcome.verdict);
      case 'taken': {
        const { connection, signal } = pass;
        const live = await readUser(connection.api, outcome.userName, undefined, { signal });
        // Undefined: made a moment ago, by us before a crash or by somebody else, and not to be seen yet.
        return live === undefined
          ? after(againMs)
          : this.#converge({
              ...this.#seen(pass, live, undefined),
              account: outcome.account,
              memory: memoryOf(outcome.account),
            });
      }
      case 'made': {
        const { account, applied, user } = outcome;
        const made = { ...pass, account, memory: { userId: user.userId, applied }, made: true };
        const plan = this.#plan(made, user);
        return plan.steps.length > 0
          ? this.#change(made, { kind: 'ours', user }, user)
          : this.#settled(made, user, plan);
      }
    }
  }

  /** The recorded user is nowhere in a complete reading. */
  async #vanished(pass: Pass, userId: string): Promise<Result> {
    const { connection, declared, memory, now, signal, account } = pass;
    if (
      now - (memory.applied?.since ?? 0) < youngMs ||
      connection.snapshots.touchedAt(userId) !== undefined
    ) {
      return after(againMs);
    }
    if (pass.live !== undefined) {
      return this.#lookAgainLater(pass);
    }
    const live = await readUser(connection.api, declared.userName, undefined, { signal });
    if (live !== undefined) {
      return this.#converge(this.#seen(pass, live, undefined));
    }
    if (declared.onExternalDelete === 'Hold') {
      return this.#hold(pass, 'absent', {
        reason: 'DeletedOutside',
        message:
          `IAM user ${userId} was deleted in AWS; it is not made again by itself. Delete this object, or set ` +
          'spec.onExternalDelete to Recreate to have a new user of that name (another identity, without its old credentials)',
      });
    }
    const forgotten = await this.#options.record.remember(account, { userId: '' }, signal);
    this.#options.record.note(account, {
      reason: 'DeletedOutside',
      action: 'Recreate',
      message: `IAM user ${userId} was deleted in AWS; making a new one`,
      warning: true,
    });
    return this.#create({ ...pass, account: forgotten, memory: memoryOf(forgotten) });
  }

  /** Reports whoever has the name, or is the user that was managed before; writes nothing. */
  async #observe(pass: Pass): Promise<Result> {
    const { declared, memory, snapshot, signal } = pass;
    const account = await this.#options.record.lapse(pass.account, signal);
    const seen = sight(snapshot, declared, memory, ownerValue(this.#owner(account)));
    const user = seen.byId ?? seen.byName;
    if (user === undefined) {
      return this.#hold({ ...pass, account }, 'absent', {
        reason: 'NotFound',
        message: `there is no IAM user "${declared.userName}"; it appears here when somebody makes it`,
      });
    }
    const message = `IAM user ${user.userName} (${user.userId}) is observed, not managed`;
    const ready = { reason: 'Observed', message, status: 'True' } as const;
    const parts = accessStatus(pass, user, { keys: undefined, audited: false });
    await this.#options.record.report(account, { ...findingsOf(pass, ready, ready, user), parts }, signal);
    return done();
  }

  /** Waits for somebody to act; the next snapshot looks again, since the outside can heal. */
  async #hold(pass: Pass, user: 'absent' | 'foreign', verdict: Verdict): Promise<Result> {
    const refused = { ...verdict, status: 'False' } as const;
    await this.#options.record.report(pass.account, findingsOf(pass, refused, refused, user), pass.signal);
    return done();
  }

  async #settled(
    pass: Pass,
    user: ObservedUser,
    plan: Plan,
    outcome: Changed = { mended: [], refused: [], known: {} },
  ): Promise<Result> {
    const { audited = false, opened } = outcome.known;
    const parts = await this.#options.parts.bring({ pass, user, opening: false, ...outcome.known });
    this.#options.record.noteParts(parts, opened);
    const problem = oneProblem([
      ...outcome.refused,
      ...guardProblems(pass),
      ...plan.problems,
      ...parts.problems,
    ]);
    const fine = asDeclared(pass.declared, user);
    const verdict = problem ?? ({ ...fine, status: 'True' } as const);
    await this.#options.record.report(
      parts.account,
      {
        ...findingsOf({ ...pass, account: parts.account }, verdict, verdict, parts.user),
        audited,
        mended: [...outcome.mended, ...parts.mended],
        parts: parts.status,
      },
      pass.signal,
    );
    const next = pass.declared.enabled ? undefined : this.#auditIn(pass, audited);
    // The unique id is written onto the object a little later: the owner tag knows it until then,
    // and a thousand joiners do not wait for it.
    const note = lacksUserId(pass.account, user.userId) ? this.#spread(noteMs) : undefined;
    const due = Math.min(next ?? Infinity, note ?? Infinity, parts.afterMs ?? Infinity);
    return due === Infinity ? done() : after(due);
  }

  /** Ms until the credentials of the disabled user are to be looked at again. */
  #auditIn(pass: Pass, audited: boolean): number {
    const last = Date.parse(pass.account.status?.credentialsAuditedAt ?? '');
    const since = audited || Number.isNaN(last) ? 0 : pass.now - last;
    return Math.max(againMs, this.#spread(auditMs) - since);
  }

  #spread(ms: number): number {
    return ms * (1 - spreadShare + this.#options.random() * spreadShare);
  }
}
