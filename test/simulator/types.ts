/** AWS partitions that the simulator knows; a partition decides ARNs and the home region of global events. */
export type Partition = 'aws' | 'aws-us-gov' | 'aws-cn';

/** Quotas of one account that a test may change; the defaults are AWS's (IAM and STS quotas page). */
export interface Quotas {
  readonly users: number;
  readonly groups: number;
  readonly groupsPerUser: number;
  readonly policies: number;
  readonly attachedPoliciesPerUser: number;
  readonly attachedPoliciesPerGroup: number;
}

export interface AccountOptions {
  /** Twelve digits; generated when absent. */
  readonly id?: string;
  readonly partition?: Partition;
  /** Users `user-00001` … made before the start, each with three tags. */
  readonly users?: number;
  readonly alias?: string;
  readonly quotas?: Partial<Quotas>;
}

/** An organisation over the simulated accounts. Absent: `AWSOrganizationsNotInUseException`. */
export interface OrganizationOptions {
  /** Account id of the management account; default the first account. */
  readonly managementAccountId?: string;
  /** Account ids that may call the API besides the management account. */
  readonly delegatedAdministrators?: readonly string[];
  /** Names of organizational units, each with the ids of the accounts in it; accounts not named are under the root. */
  readonly units?: Readonly<Record<string, readonly string[]>>;
  /** Further member accounts that have no simulated IAM. */
  readonly members?: readonly OrganizationMember[];
  /** Service control policies: document text and the ids (account, unit name or 'root') it is attached to. */
  readonly serviceControlPolicies?: readonly ServiceControlPolicy[];
}

export interface OrganizationMember {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly status?: 'ACTIVE' | 'SUSPENDED' | 'PENDING_CLOSURE';
}

export interface ServiceControlPolicy {
  readonly name: string;
  readonly document: string;
  readonly targets: readonly string[];
}

export interface SimulatorOptions {
  /** TCP port on 127.0.0.1; 0 (default) takes a free one. */
  readonly port?: number;
  /** How many accounts, or each account; default 1. */
  readonly accounts?: number | readonly AccountOptions[];
  /** Delay of every answer, in milliseconds; default 0. */
  readonly latencyMs?: number;
  /** Identity policies, boundary and service control policies of the caller decide; default false: everything is allowed. */
  readonly enforcePolicies?: boolean;
  /** Token bucket an account over all IAM calls; beyond it `Throttling`. Default none. */
  readonly rateLimit?: RateLimit;
  /** For so long after a write, reads answer from before it and a new access key is refused. Default 0. */
  readonly consistencyDelayMs?: number;
  /** List calls give short and empty pages that say `IsTruncated`; default false. */
  readonly shortPages?: boolean;
  readonly cloudTrail?: CloudTrailOptions;
  readonly organizations?: OrganizationOptions;
  /** For so long after CreateLoginProfile, changes to it are `EntityTemporarilyUnmodifiable`; default 0. */
  readonly loginProfileSettleMs?: number;
  /** The credential report is `STARTED` for so long after it was asked for; default 0. */
  readonly credentialReportMs?: number;
  /** Account ids, access keys and unique ids follow from the seed; default: random. */
  readonly seed?: number;
  /** Clock of everything but the signature's age, in milliseconds since the epoch; default Date.now. */
  readonly now?: () => number;
}

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface CloudTrailOptions {
  /** An event can be looked up so long after it happened; default 0. */
  readonly delayMs?: number;
  /** Delivery is spread over up to `delayMs` more, and pages are not strictly ordered; default false. */
  readonly shuffle?: boolean;
  /** Requests a second, an account and region; default 2, as CloudTrail's quota is. 0: no limit. */
  readonly perSecond?: number;
}

/** An account and the access key of its administrator, an IAM user with `AdministratorAccess`. */
export interface SimulatedAccount {
  readonly id: string;
  readonly partition: Partition;
  readonly adminUserName: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RunningSimulator {
  readonly port: number;
  readonly url: string;
  readonly accounts: readonly SimulatedAccount[];
  readonly control: Control;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** What goes wrong, for which calls, and how often. Each field that is given must fit. */
export interface FaultSpec {
  /** An operation's name, such as `CreateUser`; absent: every operation. */
  readonly operation?: string;
  readonly kind?: 'read' | 'write';
  /** The request's `UserName`, without regard to case. */
  readonly user?: string;
  readonly accessKeyId?: string;
  /** Answered instead of doing anything; `status` defaults to what AWS sends with the code. */
  readonly error?: { readonly code: string; readonly status?: number; readonly message?: string };
  /** How many calls it hits; default 1, -1 for ever. */
  readonly times?: number;
  /** Lets so many fitting calls pass first. */
  readonly after?: number;
  /** Hits with this probability, drawn from `seed`. */
  readonly probability?: number;
  readonly seed?: number;
  /** The connection is destroyed before or after the change was made. */
  readonly drop?: 'before' | 'after';
  readonly latencyMs?: number;
}

export interface FaultState extends FaultSpec {
  readonly id: number;
  readonly hits: number;
}

/** Counts since the start, or since the last reset. Requests that were throttled or refused count too. */
export interface CallCounts {
  readonly total: number;
  readonly reads: number;
  readonly writes: number;
  readonly throttled: number;
  readonly inFlight: number;
  readonly peakInFlight: number;
  /** By name; operations of Organizations that IAM has too carry the prefix `organizations:`. */
  readonly byOperation: Readonly<Record<string, number>>;
  readonly byAccessKey: Readonly<Record<string, number>>;
  /** Operation → error code → count. */
  readonly errors: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Milliseconds since the epoch, oldest first; the last 100,000. */
  readonly startTimes: readonly number[];
  /** Operations that AWS has and the simulator has not. */
  readonly notImplemented: readonly string[];
}

/** One write call. `code` is `OK` or the error's code; a connection dropped after the change says `OK`. */
export interface WriteRecord {
  readonly at: number;
  readonly account: string;
  readonly operation: string;
  readonly principal: string;
  readonly accessKeyId: string;
  readonly user?: string;
  readonly group?: string;
  readonly policy?: string;
  readonly code: string;
  readonly dropped?: 'before' | 'after';
}

/**
 * What a test can ask and order beside the AWS API. In-process (`RunningSimulator.control`) and over HTTP
 * (`SimulatorControl`) it is the same. `account` is an account id; absent: the first account.
 */
export interface Control {
  calls(): Promise<CallCounts>;
  /** Counts and write log start again from zero. */
  resetCalls(): Promise<void>;
  /** Everything as at the start (the same accounts and keys): state, faults, counts, clock, settings. */
  reset(): Promise<void>;
  /** The last 20,000 write calls, oldest first. */
  writes(): Promise<readonly WriteRecord[]>;
  fault(...specs: readonly FaultSpec[]): Promise<readonly FaultState[]>;
  faults(): Promise<readonly FaultState[]>;
  clearFaults(): Promise<void>;
  /** Moves the simulator's clock; resolves with its time. Signatures are still measured by the real clock. */
  advanceClock(ms: number): Promise<number>;
  /** Shifts the time by which the age of signatures is measured: clients seem to have a wrong clock. */
  skewClock(ms: number): Promise<void>;
  /** Changes settings while it runs. */
  configure(settings: Settings): Promise<void>;
  account(account?: string): Promise<AccountDump>;
  /** One user with everything it owns, from the state as it is (never a stale one). */
  user(userName: string, account?: string): Promise<UserDump | undefined>;
  checkPassword(userName: string, password: string, account?: string): Promise<boolean>;
  /** A console sign-in: sets PasswordLastUsed and writes the event; false when the password is wrong. */
  signIn(userName: string, password: string, account?: string): Promise<boolean>;
}

/** Settings that can be changed while the simulator runs. `null` switches the rate limit off. */
export interface Settings {
  readonly latencyMs?: number;
  readonly enforcePolicies?: boolean;
  readonly rateLimit?: RateLimit | null;
  readonly consistencyDelayMs?: number;
  readonly shortPages?: boolean;
  readonly loginProfileSettleMs?: number;
  readonly credentialReportMs?: number;
  readonly cloudTrail?: CloudTrailOptions;
}

export interface UserDump {
  readonly userName: string;
  readonly userId: string;
  readonly arn: string;
  readonly path: string;
  readonly createDate: string;
  readonly passwordLastUsed?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly permissionsBoundary?: string;
  readonly hasLoginProfile: boolean;
  readonly passwordResetRequired?: boolean;
  readonly passwordChangedAt?: string;
  readonly accessKeys: readonly {
    readonly accessKeyId: string;
    readonly status: string;
    readonly createDate: string;
    readonly lastUsed?: string;
  }[];
  readonly mfaDevices: readonly {
    readonly serialNumber: string;
    readonly virtual: boolean;
    readonly enableDate: string;
  }[];
  readonly sshPublicKeys: readonly { readonly id: string; readonly status: string }[];
  readonly signingCertificates: readonly { readonly id: string; readonly status: string }[];
  readonly serviceSpecificCredentials: readonly {
    readonly id: string;
    readonly serviceName: string;
    readonly status: string;
  }[];
  readonly groups: readonly string[];
  /** Policy name → document as it was put. */
  readonly inlinePolicies: Readonly<Record<string, string>>;
  readonly attachedPolicies: readonly string[];
}

export interface AccountDump {
  readonly id: string;
  readonly partition: Partition;
  readonly alias?: string;
  readonly passwordPolicy?: Readonly<Record<string, unknown>>;
  readonly users: readonly UserDump[];
  readonly groups: readonly {
    readonly groupName: string;
    readonly groupId: string;
    readonly arn: string;
    readonly path: string;
    readonly members: readonly string[];
    readonly inlinePolicies: Readonly<Record<string, string>>;
    readonly attachedPolicies: readonly string[];
  }[];
  readonly policies: readonly {
    readonly policyName: string;
    readonly policyId: string;
    readonly arn: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly defaultVersionId: string;
    /** Version id → document. */
    readonly versions: Readonly<Record<string, string>>;
  }[];
  readonly roles: readonly { readonly roleName: string; readonly roleId: string; readonly arn: string }[];
  readonly virtualMfaDevices: readonly { readonly serialNumber: string; readonly userName?: string }[];
  readonly cloudTrailEvents: number;
}
