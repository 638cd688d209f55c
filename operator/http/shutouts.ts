import { keyString, type Clock, type Logger } from '../runtime/index.ts';
import {
  DirectoryThrottledError,
  type AccountWrite,
  type Directories,
  type Directory,
  type WriteContext,
  type WriteOutcome,
} from '../../src/idhub/index.ts';
import { Buckets, Expiring } from './frame/index.ts';

/** A caller's whole burst comes back in this time, seconds. */
const refillSeconds = 600;
/** The same asked again within this time, as after a 503, is counted once. */
const sameMs = 600_000;
const maxRemembered = 20_000;
const mostNamed = 50;

export interface WatchedDirectoriesOptions {
  readonly directories: Directories;
  /** Disables and deletions of one caller at once, and as many again in 10 minutes; 0: no limit. */
  readonly burst: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  /** Called with each disable or deletion that was held back. */
  readonly countHeldBack: () => void;
}

/**
 * Directories whose writes are written to the audit log, and in which no caller can shut out everybody in a
 * moment. What is there as it is asked for, and users that are not there, are not counted. Only what comes in
 * here is held back: what an AwsAccount says is done at once.
 */
export function watchedDirectories(options: WatchedDirectoriesOptions): Directories {
  const { directories, burst, clock } = options;
  const shutouts = new Shutouts({
    buckets:
      burst === 0 ? undefined : new Buckets({ clock, rate: { burst, perSecond: burst / refillSeconds } }),
    counted: new Expiring<true>({ clock, limit: maxRemembered }),
    options,
  });
  return {
    list: () => directories.list(),
    get: (connection) => {
      const directory = directories.get(connection);
      return directory && watched(directory, shutouts, options.logger);
    },
  };
}

interface ShutoutsParts {
  readonly buckets: Buckets | undefined;
  readonly counted: Expiring<true>;
  readonly options: Pick<WatchedDirectoriesOptions, 'burst' | 'logger' | 'countHeldBack'>;
}

class Shutouts {
  readonly #parts: ShutoutsParts;

  constructor(parts: ShutoutsParts) {
    this.#parts = parts;
  }

  /** @throws {DirectoryThrottledError} */
  count(directory: Directory, id: string, act: 'disable' | 'delete', context: WriteContext): void {
    const { buckets, counted, options } = this.#parts;
    const key = JSON.stringify([context.caller, directory.connection, id, act]);
    if (buckets === undefined || counted.get(key) === true || !isShutOut(directory, id, act)) {
      return;
    }
    const wait = buckets.take(context.caller);
    if (wait > 0) {
      options.countHeldBack();
      options.logger.warn('a caller disables or deletes many people: held back', {
        caller: context.caller,
        connection: keyString(directory.connection),
        act,
        account: id,
      });
      throw new DirectoryThrottledError(
        `The caller "${context.caller}" has disabled or deleted ${options.burst} people in a short time; more at once is held back (--http-shutout-burst).`,
        { retryAfterMs: wait * 1_000 },
      );
    }
    counted.set(key, true, sameMs);
  }
}

/** Whether somebody who is there, and active where that is known, would be shut out. */
function isShutOut(directory: Directory, id: string, act: 'disable' | 'delete'): boolean {
  try {
    const account = directory.latest().account(id);
    return account !== undefined && (act === 'delete' || account.active !== false);
  } catch {
    return true;
  }
}

function watched(directory: Directory, shutouts: Shutouts, logger: Logger): Directory {
  const told = async (
    fields: Readonly<Record<string, unknown>>,
    context: WriteContext,
    act: () => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> => {
    const tell = (result: object): void =>
      logger.info('audit', {
        of: 'account',
        id: context.requestId,
        caller: context.caller,
        connection: keyString(directory.connection),
        operationId: context.operationId,
        ...fields,
        ...result,
      });
    try {
      const outcome = await act();
      tell(resultOf(outcome));
      return outcome;
    } catch (error) {
      tell({ result: error instanceof DirectoryThrottledError ? 'heldBack' : 'failed' });
      throw error;
    }
  };
  return {
    connection: directory.connection,
    view: (signal) => directory.view(signal),
    latest: () => directory.latest(),
    catalogue: (signal) => directory.catalogue(signal),
    create: (write, context) =>
      told({ act: 'create', userName: write.userName, ...partsOf(write) }, context, () =>
        directory.create(write, context),
      ),
    change: (id, write, context) => {
      const act = write.active === false ? 'disable' : write.active === true ? 'enable' : 'change';
      return told({ act, account: id, ...partsOf(write) }, context, async () => {
        if (act === 'disable') {
          shutouts.count(directory, id, act, context);
        }
        return directory.change(id, write, context);
      });
    },
    remove: (id, context) =>
      told({ act: 'delete', account: id }, context, async () => {
        shutouts.count(directory, id, 'delete', context);
        return directory.remove(id, context);
      }),
  };
}

function resultOf(outcome: WriteOutcome): object {
  switch (outcome.kind) {
    case 'done':
      return {
        result: 'done',
        changed: outcome.changed,
        ...(outcome.account === undefined ? {} : { account: outcome.account.userId }),
      };
    case 'pending':
      return { result: 'pending' };
    case 'refused':
      // Its sentence quotes what was to be written, and what AWS says of it.
      return { result: 'refused', refusal: outcome.refusal.kind };
  }
}

/** What is written, by its names: values are people's, and a password is a secret. Of entitlements, which. */
function partsOf({ attributes, entitlements, active, ...rest }: AccountWrite): object {
  const named = [...Object.keys(rest), ...Object.keys(attributes ?? {})];
  const references = (list: NonNullable<AccountWrite['entitlements']>['add'] | undefined): string[] =>
    (list ?? []).slice(0, mostNamed).map((each) => ('arn' in each ? each.arn : `${each.type}/${each.name}`));
  return {
    fields: named.slice(0, mostNamed),
    active,
    added: references(entitlements?.add),
    removed: references(entitlements?.remove),
  };
}
