import type { ObservedUser } from '../../../src/account/index.ts';
import type {
  AccountWrite,
  ConnectionName,
  DirectoryAccount,
  WriteContext,
  WriteOutcome,
} from '../../../src/idhub/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { annotations, finalizer, isTrue } from '../../controllers/names.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import type { DirectoryWrites } from '../ports.ts';
import {
  checkChange,
  checkGiven,
  checkMaking,
  checkOwner,
  checkUser,
  checkValues,
  refused,
} from './checks.ts';
import { refusedWith, WriteDesk, type Place, type Request, type WriteDeskOptions } from './desk.ts';
import { earlierOf } from './earlier.ts';
import { contradiction, holderOf, type Holder } from './find.ts';
import { newNote, noteOf, type EntryChange, type Named } from './note.ts';
import { accountFor, freeName, newAccount } from './objects.ts';
import { isEmpty, isRefusal, planWrite, takeover } from './plan.ts';
import { planPassword } from './plan-password.ts';
import { isLost, merged, nested, patched } from './undo.ts';

/** So often a request is looked at anew where its object has changed meanwhile. */
const maxTries = 20;

/** The user, and what stands for it. */
interface Found {
  readonly user: ObservedUser;
  readonly seen: DirectoryAccount;
  readonly holder: Exclude<Holder, { kind: 'leaving' | 'claimed' }>;
}

/**
 * What clients write to AWS accounts. Each write becomes one write of an AwsAccount, which the controllers bring to AWS;
 * the request waits for that. Whoever is killed meanwhile: the object says what was asked for, and the `WriteFinisher`
 * brings it to its end.
 */
export class KubernetesWrites implements DirectoryWrites {
  readonly #desk: WriteDesk;

  constructor(options: WriteDeskOptions) {
    this.#desk = new WriteDesk(options);
  }

  create(
    name: ConnectionName,
    write: AccountWrite & { readonly userName: string },
    context: WriteContext,
  ): Promise<WriteOutcome> {
    return this.#desk.guarded(async () => {
      const request = await this.#desk.request(name, ['create', write], context, write.password);
      return this.#repeat(() => this.#create(write, request));
    });
  }

  change(
    name: ConnectionName,
    id: string,
    write: AccountWrite,
    context: WriteContext,
  ): Promise<WriteOutcome> {
    return this.#desk.guarded(async () => {
      const request = await this.#desk.request(name, ['change', id, write], context, write.password);
      return this.#repeat(() => this.#change(id, write, request));
    });
  }

  remove(name: ConnectionName, id: string, context: WriteContext): Promise<WriteOutcome> {
    return this.#desk.guarded(async () => {
      const request = await this.#desk.request(name, ['remove', id], context);
      return this.#repeat(() => this.#remove(id, request));
    });
  }

  async #repeat(attempt: () => Promise<WriteOutcome | 'again'>): Promise<WriteOutcome> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const outcome = await attempt();
      if (outcome !== 'again') {
        return outcome;
      }
    }
    return refusedWith(refused('conflict', 'the AwsAccount is changed by others all the time; try again'));
  }

  async #create(
    write: AccountWrite & { readonly userName: string },
    request: Request,
  ): Promise<WriteOutcome | 'again'> {
    const { accounts, clock, installation } = this.#desk.options;
    const place = this.#desk.place(request.name);
    const { connection, snapshot } = place;
    const { userName } = write;
    const wrong = checkValues(write, {}, connection) ?? checkUser({ userName }, connection);
    if (wrong !== undefined) {
      return refusedWith(wrong);
    }
    const known = await earlierOf(this.#desk, userName, place, request);
    if (known !== undefined) {
      return known;
    }
    const present = snapshot.byName(userName);
    if (present !== undefined) {
      return refusedWith(refused('uniqueness', `IAM user "${present.userName}" exists already`));
    }
    const skeleton = newAccount(
      connection.key,
      freeName(connection.key, userName, (key) => accounts.get(key) !== undefined),
      userName,
    );
    const planned = planWrite(write, {
      account: skeleton,
      made: true,
      user: undefined,
      attributes: {},
      connection,
      caller: request.context.caller,
      now: clock.now(),
    });
    if (isRefusal(planned)) {
      return refusedWith(planned);
    }
    const after = patched(skeleton, planned.patch);
    const refusal =
      checkMaking(after, connection, installation) ??
      checkGiven(
        { userName, groups: [], attachedPolicies: [], inlinePolicies: [] },
        edgesOf(planned.entries),
        connection,
      );
    if (refusal !== undefined) {
      return refusedWith(refusal);
    }
    const id = this.#desk.idOf(request);
    const password = await planPassword(write.password, {
      account: after,
      user: undefined,
      id,
      context: request.context,
      passwordKey: this.#desk.options.passwordKey,
    });
    if (password !== undefined && 'message' in password) {
      return refusedWith(password);
    }
    const note = newNote({
      id,
      kind: 'create',
      key: request.key,
      at: clock.now(),
      made: true,
      userId: null,
      wants: { userName, ...planned.wants },
      entries: planned.entries,
      password,
    });
    return this.#desk.submit({ account: skeleton, made: true, patch: planned.patch, note }, request);
  }

  async #change(id: string, write: AccountWrite, request: Request): Promise<WriteOutcome | 'again'> {
    const { clock, installation } = this.#desk.options;
    const place = this.#desk.place(request.name);
    const found = await this.#find(id, place, request, write.active === false);
    if (found === 'again' || !('holder' in found)) {
      return found;
    }
    const { user, seen, holder } = found;
    const { connection } = place;
    const wrong = checkValues(write, seen.attributes, connection) ?? checkUser(user, connection);
    if (wrong !== undefined) {
      return refusedWith(wrong);
    }
    const made = holder.kind === 'free';
    const account = made ? this.#accountFor(user, place) : holder.account;
    const planned = planWrite(write, {
      account,
      made,
      user,
      attributes: seen.attributes,
      connection,
      caller: request.context.caller,
      now: clock.now(),
    });
    if (isRefusal(planned)) {
      return refusedWith(planned);
    }
    const after = patched(account, planned.patch);
    const writeId = this.#desk.idOf(request);
    const password = await planPassword(write.password, {
      account: after,
      user: user,
      id: writeId,
      context: request.context,
      passwordKey: this.#desk.options.passwordKey,
    });
    if (password !== undefined && 'message' in password) {
      return refusedWith(password);
    }
    if (password !== undefined && [...planned.entries, ...planned.later].some(isLost)) {
      return refusedWith(
        refused(
          'invalidValue',
          'an inline policy that is declared nowhere is not removed together with a password: neither could be taken ' +
            'back; send two requests',
        ),
      );
    }
    if (isEmpty(planned) && password === undefined) {
      return { kind: 'done', account: seen, changed: false };
    }
    const whole =
      isEmpty(planned) && password !== undefined
        ? planWrite(
            {},
            { account, made, user, attributes: {}, connection, caller: '', now: clock.now() },
            true,
          )
        : planned;
    if (isRefusal(whole)) {
      return refusedWith(whole);
    }
    const refusal =
      (write.userName === undefined ? undefined : checkUser({ userName: write.userName }, connection)) ??
      (isNewTo(account, made) ? checkOwner(user, account, installation) : undefined) ??
      checkChange(made ? undefined : account, after, user, connection, { installation, now: clock.now() }) ??
      checkGiven(user, edgesOf(whole.entries), connection);
    if (refusal !== undefined) {
      return refusedWith(refusal);
    }
    const against = contradiction(
      [...whole.entries, ...whole.later],
      { userId: user.userId, userName: user.userName, connection: connection.key, account },
      this.#desk.options,
    );
    if (against !== undefined) {
      return against;
    }
    const note = newNote({
      id: writeId,
      kind: 'change',
      key: request.key,
      at: clock.now(),
      made,
      userId: user.userId,
      wants: whole.wants,
      fields: whole.fields,
      entries: whole.entries,
      later: whole.later,
      password,
    });
    return this.#desk.submit({ account, made, patch: whole.patch, note }, request);
  }

  async #remove(id: string, request: Request): Promise<WriteOutcome | 'again'> {
    const { installation, clock, deletion } = this.#desk.options;
    const place = this.#desk.place(request.name);
    const found = await this.#find(id, place, request);
    if (found === 'again' || !('holder' in found)) {
      return found;
    }
    const { user, holder } = found;
    const { connection } = place;
    const made = holder.kind === 'free';
    const account = made ? this.#accountFor(user, place) : holder.account;
    const refusal =
      checkUser(user, connection) ??
      (isNewTo(account, made) ? checkOwner(user, account, installation) : undefined);
    if (refusal !== undefined) {
      return refusedWith(refusal);
    }
    const patch = merged(
      nested([[['spec', 'deletionPolicy'], deletion]]),
      takeover(account, user, connection, clock.now()),
    );
    const { finalizers = [] } = account.metadata;
    const note = newNote({
      id: this.#desk.idOf(request),
      kind: 'remove',
      key: request.key,
      at: clock.now(),
      made,
      userId: user.userId,
    });
    return this.#desk.submit(
      {
        account,
        made,
        patch,
        // Without it the object would go, and the user stay.
        ...(finalizers.includes(finalizer) ? {} : { finalizers: [...finalizers, finalizer] }),
        note,
      },
      request,
    );
  }

  /** The user of an id, and through which object it is written; or what stands against that. */
  async #find(
    id: string,
    place: Place,
    request: Request,
    shut = false,
  ): Promise<Found | WriteOutcome | 'again'> {
    const { installation } = this.#desk.options;
    const { connection, snapshot, view, accounts } = place;
    const user = snapshot.byId(id);
    const seen = view.account(id);
    if (user === undefined || seen === undefined) {
      return refusedWith(refused('missing', `there is no account ${id}`));
    }
    const holder = holderOf(user, accounts, { connection, installation });
    if (holder.kind === 'held' || holder.kind === 'leaving') {
      const note = noteOf(holder.account);
      if (note !== undefined) {
        if (shut && note.kind === 'change' && checkUser(user, connection) === undefined) {
          await this.#desk.shut(holder.account, request.context.caller);
        }
        const outcome = await this.#desk.meet(holder.account, note, request);
        return outcome === 'over' ? 'again' : outcome;
      }
    }
    const { ifVersion } = request.context;
    if (ifVersion !== undefined && !ifVersion.includes(seen.version)) {
      return refusedWith(refused('version', `the account has version ${seen.version} by now`));
    }
    switch (holder.kind) {
      case 'leaving': {
        const called = keyString(keyOf(holder.account));
        return refusedWith(
          refused('conflict', `AwsAccount "${called}" is being deleted; try again when it is gone`),
        );
      }
      case 'claimed':
        return refusedWith(refused('mutability', holder.message));
      case 'held':
        if (isTrue(holder.account.metadata, annotations.paused)) {
          const called = keyString(keyOf(holder.account));
          const message = `AwsAccount "${called}" is paused by its annotation ${annotations.paused}`;
          return refusedWith(refused('conflict', message));
        }
        return { user, seen, holder };
      case 'free':
        return { user, seen, holder };
    }
  }

  #accountFor(user: ObservedUser, { connection }: Place): AwsAccount {
    const { accounts, clock } = this.#desk.options;
    const name = freeName(connection.key, user.userName, (key) => accounts.get(key) !== undefined);
    return accountFor(user, name, connection, clock.now());
  }
}

/** Whether an object comes to manage its user by this write. */
function isNewTo({ spec }: AwsAccount, made: boolean): boolean {
  return made || spec.management === 'Observe';
}

/** What a write gives to a user, and what it takes. */
function edgesOf(entries: readonly EntryChange[]): {
  readonly added: readonly Named[];
  readonly removed: readonly Named[];
} {
  const of = (absent: boolean): readonly Named[] =>
    entries.flatMap(({ set, had }) => ((set.state === 'Absent') === absent && had === absent ? [set] : []));
  return { added: of(false), removed: of(true) };
}
