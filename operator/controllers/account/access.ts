import {
  isHalfEnabled,
  remembered,
  type CredentialFacts,
  type KeyMemory,
  type ObservedUser,
  type SwitchedOff,
} from '../../../src/account/index.ts';
import { formatInZone } from '../../../src/connection/index.ts';
import type { AwsAccount, AwsAccountStatus } from '../../api/v1alpha1/index.ts';
import { formatTime } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import { keyMemoryOf } from './key-memory.ts';
import { nothingDone, type Part, type PartInputs, type PartOutcome } from './parts.ts';
import type { Pass } from './pass.ts';

type Access = NonNullable<AwsAccountStatus['access']>;
type Console = NonNullable<Access['console']>;
type Programmatic = NonNullable<Access['programmatic']>;

/** What is known of how a user can get in. All times are milliseconds since the epoch. */
export interface AccessFacts {
  /** Made in this pass: it had nothing then. */
  readonly made: boolean;
  /** What a disable switched off; undefined of a user that is enabled, or neither. */
  readonly off: readonly SwitchedOff[] | undefined;
  /** When the credentials of a disabled user were last looked at, and shut. */
  readonly auditedAt: number | undefined;
  /** What the object remembers of the password. */
  readonly password: { readonly setAt: number | undefined; readonly none: boolean };
  /** Whether the keys are ours to keep or to take away: then what is seen of them is kept current. */
  readonly keysAreOurs: boolean;
  /** The keys as they were last looked at. */
  readonly keys: AwsAccountStatus['accessKeys'] | undefined;
  readonly keyMemory: Pick<KeyMemory, 'current' | 'none' | 'off'> | undefined;
  /** An enable has just switched access keys on. */
  readonly keysOpened: boolean;
  readonly report: CredentialFacts | undefined;
  /** What the status said of the same user. */
  readonly past: { readonly access: Access; readonly lastActivity: number | undefined };
  readonly passwordLastUsed: number | undefined;
  readonly now: number;
}

interface Evidence<T> {
  readonly at: number;
  readonly says: T | undefined;
}

/** How a user can get in: of all that is known, the newest counts. Pure. */
export function accessOf(facts: AccessFacts): Required<Access> {
  const { past, now } = facts;
  const learntAt = Date.parse(past.access.since ?? '') || 0;
  const console = newest<Console>([{ at: learntAt, says: past.access.console }, ...consoleEvidence(facts)]);
  const programmatic = newest<Programmatic>([
    { at: learntAt, says: past.access.programmatic },
    ...keyEvidence(facts),
  ]);
  const same = past.access.console === console && past.access.programmatic === programmatic;
  return {
    console,
    programmatic,
    since: (same ? past.access.since : undefined) ?? formatTime(now),
  };
}

/** The latest use of password and keys that anything tells of. */
export function lastActivityOf(facts: AccessFacts): number | undefined {
  const { report, past, passwordLastUsed } = facts;
  const times = [
    passwordLastUsed,
    report?.passwordLastUsed,
    ...(report?.keys ?? []).map(({ lastUsed }) => lastUsed),
    past.lastActivity,
  ].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

function consoleEvidence(facts: AccessFacts): readonly Evidence<Console>[] {
  const { made, off, auditedAt = 0, password, report, now } = facts;
  return [
    { at: report?.asOf ?? 0, says: report === undefined ? undefined : report.console ? 'Enabled' : 'None' },
    // Whatever was set since is newer, also where two looks at AWS's clock differ by a second.
    { at: 0, says: made ? 'None' : undefined },
    { at: password.setAt ?? 0, says: password.setAt === undefined ? undefined : 'Enabled' },
    { at: auditedAt, says: off === undefined ? undefined : 'None' },
    // Whatever contradicts it has been mended in this pass.
    { at: now, says: password.none && off === undefined ? 'None' : undefined },
  ];
}

function keyEvidence(facts: AccessFacts): readonly Evidence<Programmatic>[] {
  const { made, off, auditedAt = 0, keysAreOurs, keys, keyMemory, keysOpened, report, past, now } = facts;
  const seen = keys ?? [];
  const present =
    seen.length > 0 ||
    (report?.keys.length ?? 0) > 0 ||
    off?.some(({ kind }) => kind === 'accessKey') === true;
  const had = past.access.programmatic === 'Enabled' || past.access.programmatic === 'Disabled';
  const reported: Evidence<Programmatic> = {
    at: report?.asOf ?? 0,
    says:
      report === undefined
        ? undefined
        : report.keys.some(({ active }) => active)
          ? 'Enabled'
          : report.keys.length > 0
            ? 'Disabled'
            : 'None',
  };
  if (off !== undefined) {
    return [reported, { at: auditedAt, says: present || had ? 'Disabled' : 'None' }];
  }
  const current = keyMemory?.current ?? null;
  return [
    reported,
    { at: 0, says: made ? 'None' : undefined },
    {
      at: current?.createdAt ?? 0,
      says: keysAreOurs && current !== null && keyMemory?.off !== true ? 'Enabled' : undefined,
    },
    { at: now, says: keysOpened ? 'Enabled' : undefined },
    {
      at: now,
      says: !keysAreOurs
        ? undefined
        : seen.length > 0
          ? seen.some(({ status }) => status === 'Active')
            ? 'Enabled'
            : 'Disabled'
          : keyMemory?.none === true
            ? present
              ? 'Disabled'
              : 'None'
            : undefined,
    },
  ];
}

/** Of what is equally old, the later in the list. */
function newest<T extends Console | Programmatic>(evidence: readonly Evidence<T>[]): T | 'Unknown' {
  let best: { readonly at: number; readonly says: T } | undefined;
  for (const { at, says } of evidence) {
    if (says !== undefined && says !== 'Unknown' && at >= (best?.at ?? at)) {
      best = { at, says };
    }
  }
  return best?.says ?? 'Unknown';
}

/** What the status says of access and activity of a user, managed or only observed. */
export function accessStatus(
  pass: Pick<Pass, 'account' | 'connection' | 'snapshot' | 'now' | 'made'>,
  user: ObservedUser,
  known: {
    readonly keys: AwsAccountStatus['accessKeys'] | undefined;
    readonly audited: boolean;
    readonly refused?: boolean;
    readonly keysOpened?: boolean | undefined;
  },
): Pick<AwsAccountStatus, 'access' | 'lastActivity'> {
  const { account, connection, snapshot, made } = pass;
  const now = pass.now + connection.api.skewMs;
  const before = made || account.status?.userId !== user.userId ? {} : (account.status ?? {});
  const managed = account.spec.management !== 'Observe';
  const noted = remembered(user.tags);
  const off = known.refused === true || isHalfEnabled(user.tags) ? undefined : noted;
  const opened = before.state === 'Disabled' && noted === undefined;
  const facts: AccessFacts = {
    made,
    off,
    auditedAt: known.audited ? now : parseTime(before.credentialsAuditedAt),
    password: managed ? passwordMemoryOf(account, user.userId) : { setAt: undefined, none: false },
    keysAreOurs: managed && (account.spec.programmatic?.access ?? 'Unmanaged') !== 'Unmanaged',
    keys: known.keys,
    keyMemory: managed ? keyMemoryOf(account, user.userId) : undefined,
    keysOpened:
      known.keysOpened ??
      (managed &&
        opened &&
        connection.settings.enableProgrammaticAccess &&
        before.switchedOff?.some((item) => item.startsWith('access key ')) === true),
    report: snapshot.credentials(user.userId),
    past: { access: before.access ?? {}, lastActivity: parseTime(before.lastActivity) },
    passwordLastUsed: user.passwordLastUsed,
    now,
  };
  const lastActivity = lastActivityOf(facts);
  return {
    access: accessOf(facts),
    ...(lastActivity === undefined
      ? {}
      : { lastActivity: formatInZone(lastActivity, connection.settings.timeZone) }),
  };
}

/** Says of an account how its user can get in, and when it last did. It changes nothing. */
export class AccessPart implements Part {
  bring(inputs: PartInputs): Promise<PartOutcome> {
    const { pass, user, reported, audited = false, refused = false, keysOpened } = inputs;
    const known = { keys: reported?.accessKeys, audited, refused, keysOpened };
    const status = accessStatus(pass, user, known);
    return Promise.resolve({ ...nothingDone(inputs), status });
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

/** Of the password; nothing where it is not ours to keep, where that is not known, or of another user. */
function passwordMemoryOf(account: AwsAccount, userId: string): AccessFacts['password'] {
  const nothing = { setAt: undefined, none: false };
  if ((account.spec.console?.access ?? 'Unmanaged') === 'Unmanaged') {
    return nothing;
  }
  try {
    const parsed = JSON.parse(account.metadata.annotations?.[annotations.console] ?? 'null') as {
      readonly setAt?: unknown;
      readonly none?: unknown;
      readonly user?: unknown;
    } | null;
    if (parsed === null || (typeof parsed.user === 'string' && parsed.user !== userId)) {
      return nothing;
    }
    return {
      setAt: typeof parsed.setAt === 'number' ? parsed.setAt : undefined,
      none: parsed.none === true,
    };
  } catch {
    return nothing;
  }
}

function parseTime(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : at;
}
