import type { Caller } from './caller.ts';
import { newUser } from './iam/index.ts';
import { OrganizationModel } from './organizations/model.ts';
import { Account, createRandom, keyOf, type Random, type Session } from './state/index.ts';
import { Trail } from './cloudtrail/trail.ts';
import type { AccountOptions, Settings, SimulatedAccount, SimulatorOptions } from './types.ts';

/** The user whose access key comes with an account. */
const ADMINISTRATOR = 'administrator';

/** How the simulator behaves now; each of it can be changed while it runs. */
export interface CurrentSettings {
  latencyMs: number;
  enforcePolicies: boolean;
  rateLimit: Exclude<Settings['rateLimit'], undefined>;
  consistencyDelayMs: number;
  shortPages: boolean;
  loginProfileSettleMs: number;
  credentialReportMs: number;
  cloudTrail: Required<NonNullable<SimulatorOptions['cloudTrail']>>;
}

export function initialSettings(options: SimulatorOptions): CurrentSettings {
  return {
    latencyMs: options.latencyMs ?? 0,
    enforcePolicies: options.enforcePolicies ?? false,
    rateLimit: options.rateLimit ?? null,
    consistencyDelayMs: options.consistencyDelayMs ?? 0,
    shortPages: options.shortPages ?? false,
    loginProfileSettleMs: options.loginProfileSettleMs ?? 0,
    credentialReportMs: options.credentialReportMs ?? 0,
    cloudTrail: { delayMs: 0, shuffle: false, perSecond: 2, ...options.cloudTrail },
  };
}

interface KeyEntry {
  readonly account: Account;
  readonly userId: string;
}

/** Everything that AWS remembers: thrown away and made anew by a reset. */
export class World {
  readonly accounts = new Map<string, Account>();
  readonly admins: SimulatedAccount[] = [];
  readonly trails = new Map<string, Trail>();
  readonly organization: OrganizationModel | undefined;
  readonly random: Random;
  readonly #keys = new Map<string, KeyEntry>();
  readonly #sessions = new Map<string, { readonly account: Account; readonly session: Session }>();

  constructor(options: SimulatorOptions, seed: number, settings: CurrentSettings, now: () => number) {
    this.random = createRandom(seed);
    const wanted: readonly AccountOptions[] =
      typeof options.accounts === 'object'
        ? options.accounts
        : Array.from({ length: options.accounts ?? 1 }, () => ({}));
    for (const account of wanted) {
      this.#addAccount(account, settings, now);
    }
    if (options.organizations !== undefined) {
      this.organization = new OrganizationModel(options.organizations, [...this.accounts.values()], now());
    }
  }

  #addAccount(wanted: AccountOptions, settings: CurrentSettings, now: () => number): void {
    const users = wanted.users ?? 0;
    const account = new Account({
      id: wanted.id ?? this.random.digits(12),
      partition: wanted.partition ?? 'aws',
      random: this.random,
      alias: wanted.alias,
      // A quota that the users from before the start do not fill: AWS raises it on request.
      quotas: { ...(users > 4_000 ? { users: users * 2 } : {}), ...wanted.quotas },
      now,
      delayMs: () => settings.consistencyDelayMs,
    });
    const createdAt = now();
    const base = { path: '/', createdAt, tags: [] };
    const admin = newUser({ ...base, id: this.random.id('AIDA', 21), name: ADMINISTRATOR });
    const key = {
      id: this.random.id('AKIA', 20),
      secret: this.random.secret(),
      status: 'Active' as const,
      createdAt,
    };
    const attached = [`arn:${account.partition}:iam::aws:policy/AdministratorAccess`];
    account.putQuietly({ ...admin, attached, accessKeys: [key] });
    this.registerKey(key.id, account, admin.id);
    for (let number = 1; number <= users; number += 1) {
      const name = `user-${String(number).padStart(5, '0')}`;
      const tags = [
        { Key: 'displayName', Value: `User ${number}` },
        { Key: 'email', Value: `${name}@example.com` },
        { Key: 'department', Value: `Department ${number % 20}` },
      ];
      account.putQuietly(newUser({ ...base, id: this.random.id('AIDA', 21), name, tags }));
    }
    this.accounts.set(account.id, account);
    this.trails.set(account.id, new Trail({ account, settings, random: this.random, now }));
    this.admins.push({
      id: account.id,
      partition: account.partition,
      adminUserName: ADMINISTRATOR,
      accessKeyId: key.id,
      secretAccessKey: key.secret,
    });
  }

  registerKey(accessKeyId: string, account: Account, userId: string): void {
    this.#keys.set(accessKeyId, { account, userId });
  }

  registerSession(account: Account, session: Session): void {
    this.#sessions.set(session.accessKeyId, { account, session });
  }

  keyEntry(accessKeyId: string): KeyEntry | undefined {
    return this.#keys.get(accessKeyId);
  }

  sessionEntry(accessKeyId: string): { readonly account: Account; readonly session: Session } | undefined {
    return this.#sessions.get(accessKeyId);
  }

  trail(account: Account): Trail | undefined {
    return this.trails.get(account.id);
  }

  /** Puts down that a key was used; nobody has to wait for it to be seen. */
  markUsed(account: Account, caller: Caller, at: number, service: string, region: string): void {
    if (caller.kind === 'user' && caller.session === undefined) {
      const user = account.users.get(keyOf(caller.user.name));
      if (user !== undefined) {
        const accessKeys = user.accessKeys.map((key) =>
          key.id === caller.accessKeyId ? Object.assign({}, key, { lastUsed: { at, service, region } }) : key,
        );
        account.users.setQuietly(keyOf(user.name), { ...user, accessKeys });
      }
    }
  }
}
