import { canonical } from '../../../src/canonical.ts';
import {
  DirectoryUnavailableError,
  type ConnectionName,
  type DirectoryView,
  type PasswordWrite,
  type Refusal,
  type WriteContext,
  type WriteOutcome,
} from '../../../src/idhub/index.ts';
import type { Snapshot } from '../../../src/reconciliation/index.ts';
import { awsAccountType, type AwsAccount, type AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { UnusablePasswordKey, type PasswordKey } from '../../controllers/account/index.ts';
import {
  usable,
  type ConnectionRegistry,
  type UsableConnection,
} from '../../controllers/connection/index.ts';
import { annotations } from '../../controllers/names.ts';
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isNotFound,
  keyOf,
  keyString,
  NotLeadingError,
  TransportError,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import type { LatestViews } from '../ports.ts';
import { refused } from './checks.ts';
import { fingerprint, operationOf, writeNote, type WriteNote } from './note.ts';
import { PasswordSecrets } from './password.ts';
import { forClient } from './sentences.ts';
import { patched, type AccountPatch } from './undo.ts';
import type { Settled, Ticket, Waiting } from './waiting.ts';

export interface WriteDeskOptions {
  /** One that writes only while this process leads. */
  readonly client: Client;
  /** Indexed by `user` and `connection`. */
  readonly accounts: Informer<AwsAccount>;
  /** Indexed by `user`. */
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly registry: ConnectionRegistry;
  readonly views: LatestViews;
  /** Whether an account of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  readonly waiting: Waiting;
  /** Has the writes of an object looked at. */
  readonly wake: (account: ObjectKey) => void;
  readonly installation: string;
  /** Tells equal requests from others where a password is in them. */
  readonly passwordKey: PasswordKey;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string, life?: 'passing') => void;
  readonly clock: Pick<Clock, 'now' | 'setTimeout'>;
  readonly logger: Logger;
  readonly makeId: () => string;
  /** What a client's deletion does to the IAM user. */
  readonly deletion: 'Delete' | 'Disable';
  /** How long a request waits for its end, ms. */
  readonly waitMs: number;
}

/** An AWS account as a write finds it. */
export interface Place {
  readonly name: ConnectionName;
  readonly connection: UsableConnection;
  readonly snapshot: Snapshot;
  readonly view: DirectoryView;
  /** Those that may use the connection. */
  readonly accounts: readonly AwsAccount[];
}

/** A request, and until when it may wait. */
export interface Request {
  readonly name: ConnectionName;
  /** Tells equal requests from others. */
  readonly key: string;
  readonly context: WriteContext;
  readonly password: PasswordWrite | undefined;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A write that is about to be put on an object. */
export interface Submission {
  readonly account: AwsAccount;
  /** The object is to be made. */
  readonly made: boolean;
  readonly patch: AccountPatch;
  readonly finalizers?: readonly string[];
  readonly note: WriteNote;
}

/** After which time a client asks again. */
const retryAfterMs = 5_000;

/** What all writes have in common: where they find things, put them down, and wait for their end. */
export class WriteDesk {
  readonly options: WriteDeskOptions;
  readonly #secrets: PasswordSecrets;

  constructor(options: WriteDeskOptions) {
    this.options = options;
    this.#secrets = new PasswordSecrets(options);
  }

  /** @throws {DirectoryUnavailableError} */
  place(name: ConnectionName): Place {
    const { accounts, permits, registry, views } = this.options;
    const view = views.latest(name);
    const connection = usable(registry.peek(name));
    const snapshot = connection?.snapshots.current;
    if (connection === undefined || snapshot === undefined) {
      throw unavailable(`AwsConnection "${keyString(name)}" cannot be used at present`);
    }
    return {
      name,
      connection,
      snapshot,
      view,
      accounts: accounts
        .byIndex('connection', keyString(name))
        .filter(({ metadata }) => permits(name, metadata.namespace ?? '')),
    };
  }

  /** A request by its content. A password in it is told by an HMAC, so that nobody can try others on it. */
  async request(
    name: ConnectionName,
    content: readonly unknown[],
    context: WriteContext,
    password?: PasswordWrite,
  ): Promise<Request> {
    const { clock, passwordKey, waitMs } = this.options;
    const until = clock.now() + waitMs;
    const text = canonical(content);
    const key =
      password?.kind === 'given'
        ? (await passwordKey.obtain(context.signal)).hash('write', text)
        : fingerprint(text);
    return { name, key, context, password, until };
  }

  /**
   * A new write's id: it begins with the operation that a client gave it, and ends with what tells equal requests, so
   * that one that was done and not answered is known by what stays on the object.
   */
  idOf({ context: { operationId }, key }: Request): string {
    const id = `${this.options.makeId()}.${key}`;
    return operationId === undefined ? id : `${operationId}/${id}`;
  }

  /** Waits for a write that is under way: joins it where it is the same, else lets it end. */
  async meet(account: AwsAccount, note: WriteNote, request: Request): Promise<WriteOutcome | 'over'> {
    const { clock, wake, waiting } = this.options;
    const ticket = waiting.open(note.id);
    // Nobody takes the password for lost meanwhile.
    const prepared = waiting.prepare(note.id);
    try {
      if (note.key === request.key && note.state === 'open') {
        // Whoever asked first may have been killed before.
        await this.#keep(account, note, request.password);
      }
      prepared();
      wake(keyOf(account));
      const settled = await ticket.outcome(request.until - clock.now(), request.context.signal);
      if (note.key === request.key) {
        return this.#answer(settled, note.id, request);
      }
      const message = `another write to AwsAccount "${keyString(keyOf(account))}" is not finished; ask again, nothing else of this one is done before`;
      return settled === undefined ? { kind: 'pending', retryAfterMs, message, behind: true } : 'over';
    } finally {
      prepared();
      ticket.close();
    }
  }

  /**
   * Puts a write on its object, in one call, and waits for its end.
   * @returns `again` where the object has changed meanwhile
   */
  async submit(submission: Submission, request: Request): Promise<WriteOutcome | 'again'> {
    const { clock, waiting, logger } = this.options;
    const { note } = submission;
    if (request.context.joins === true) {
      const message =
        'it was accepted, and is neither under way nor so: it was taken back, or others have changed the account since';
      return refusedWith(refused('conflict', message));
    }
    // Before the object says it, so that nothing is missed.
    const ticket = waiting.open(note.id);
    const prepared = waiting.prepare(note.id);
    try {
      const { account, instead } = await this.#put(submission, request.context.signal);
      if (account === undefined) {
        return instead;
      }
      logger.info('a write was accepted', {
        account: keyOf(account),
        operation: note.id,
        kind: note.kind,
        caller: request.context.caller,
        userId: note.userId,
      });
      await this.#keep(account, note, request.password);
      prepared();
      this.options.wake(keyOf(account));
      return await this.#wait(ticket, note.id, request, clock.now());
    } finally {
      prepared();
      ticket.close();
    }
  }

  /**
   * Shuts somebody out at once, whatever write is under way on the object: what that is taken back to is not this.
   * Whoever did it before stays named.
   */
  async shut(account: AwsAccount, caller: string): Promise<void> {
    const { accounts, client, logger } = this.options;
    if (account.metadata.annotations?.[annotations.disabledBy] !== undefined) {
      return;
    }
    const { uid } = account.metadata;
    const patch = { metadata: { uid, annotations: { [annotations.disabledBy]: caller } } };
    accounts.set(await client.mergePatch<AwsAccount>(awsAccountType, keyOf(account), patch));
    logger.info('an account is shut out before another write to it is finished', {
      account: keyOf(account),
      caller,
    });
  }

  /** What is refused, or not to be had at present, in the words of the port. */
  async guarded(work: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
    try {
      return said(await work());
    } catch (error) {
      if (error instanceof NotLeadingError || error instanceof TransportError) {
        throw unavailable('the cluster cannot be written to at present', error);
      }
      if (error instanceof UnusablePasswordKey) {
        throw unavailable(error.message, error);
      }
      if (error instanceof ApiError) {
        if (error.code === 422 || error.code === 400) {
          return refusedWith(refused('invalidValue', `the AwsAccount cannot be written: ${error.message}`));
        }
        throw unavailable(`the AwsAccount cannot be written: ${error.message}`, error);
      }
      throw error;
    }
  }

  #wait(ticket: Ticket, id: string, request: Request, now: number): Promise<WriteOutcome> {
    return ticket
      .outcome(request.until - now, request.context.signal)
      .then((settled) => this.#answer(settled, id, request));
  }

  #answer(settled: Settled | undefined, id: string, { name }: Request): WriteOutcome {
    const { views, waiting } = this.options;
    if (settled === undefined) {
      const why = waiting.told(id);
      const message = `accepted and not finished yet${why === undefined ? '' : ` (${why})`}; ask again, it goes on meanwhile`;
      return { kind: 'pending', retryAfterMs, message };
    }
    if (settled.kind === 'refused') {
      return refusedWith(settled.refusal);
    }
    const { userId } = settled;
    const account = userId === undefined ? undefined : views.latest(name).account(userId);
    // Only now: where there is no view the answer is another, and the same request comes again.
    waiting.answered(id);
    return { kind: 'done', account, changed: true };
  }

  /** Not with the signal of the request: whoever leaves must not leave it half done. */
  async #put(
    { account, made, patch, finalizers, note }: Submission,
    signal: AbortSignal,
  ): Promise<
    | { readonly account: AwsAccount; readonly instead?: undefined }
    | { readonly account?: undefined; readonly instead: WriteOutcome | 'again' }
  > {
    signal.throwIfAborted();
    const { accounts, client } = this.options;
    const noted: AccountPatch = {
      ...patch,
      annotations: {
        ...patch.annotations,
        [annotations.undo]: writeNote(note),
        [annotations.operation]: operationOf(note),
      },
    };
    try {
      const { uid, resourceVersion } = account.metadata;
      const kept = finalizers === undefined ? {} : { finalizers: [...finalizers] };
      const whole = patched(account, noted);
      const written = made
        ? await client.create<AwsAccount>(awsAccountType, {
            ...whole,
            metadata: { ...whole.metadata, ...kept },
          })
        : await client.mergePatch<AwsAccount>(awsAccountType, keyOf(account), {
            metadata: { uid, resourceVersion, ...kept, annotations: noted.annotations },
            ...(noted.spec === undefined ? {} : { spec: noted.spec }),
          });
      accounts.set(written);
      return { account: written };
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) {
        await this.#look(keyOf(account));
        return { instead: 'again' };
      }
      if (isNotFound(error) && !made) {
        const message = `AwsAccount "${account.metadata.name}" was deleted meanwhile`;
        return { instead: refusedWith(refused('conflict', message)) };
      }
      throw error;
    }
  }

  /** Brings the cache up to date with an object that it shows as it was. */
  async #look(key: ObjectKey): Promise<void> {
    const { accounts, client } = this.options;
    try {
      accounts.set(await client.get<AwsAccount>(awsAccountType, key));
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  /** The password is kept until it is used. Where it cannot be, the write is taken back. */
  async #keep(account: AwsAccount, note: WriteNote, password: PasswordWrite | undefined): Promise<void> {
    const { logger, protectSecret } = this.options;
    const secret = note.password?.secret ?? null;
    if (password?.kind !== 'given' || secret === null) {
      return;
    }
    protectSecret(password.password, 'passing');
    try {
      await this.#secrets.make(account, secret, password.password);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      logger.warn('the Secret for a password cannot be made', { account: keyOf(account), error: message });
    }
  }
}

/** In words for who has no object of the cluster. */
function said(outcome: WriteOutcome): WriteOutcome {
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'pending':
      return { ...outcome, message: forClient(outcome.message) };
    case 'refused':
      return refusedWith({ ...outcome.refusal, message: forClient(outcome.refusal.message) });
  }
}

export function refusedWith(refusal: Refusal): WriteOutcome {
  return { kind: 'refused', refusal };
}

function unavailable(message: string, cause?: unknown): DirectoryUnavailableError {
  return new DirectoryUnavailableError(message, { retryAfterMs, cause });
}
