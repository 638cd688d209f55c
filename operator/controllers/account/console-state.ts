import { noConsole, type ConsoleMemory } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { Clock } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { writeConsoleMemory } from './console-memory.ts';
import { KeySecret } from './key-secret.ts';
import type { PartInputs } from './parts.ts';
import type { PasswordKey, PasswordPolicies } from './password-tools.ts';
import type { AccountRecord } from './record.ts';
import type { AccountVault } from './vault.ts';

/** What work on a password needs. */
export interface ConsoleTools {
  readonly vault: AccountVault;
  readonly record: Pick<AccountRecord, 'remember'>;
  readonly clock: Pick<Clock, 'now'>;
  /** A number from 0 to below its argument, unpredictable. */
  readonly randomInt: (below: number) => number;
  /** What passwords are known by. */
  readonly passwordKey: PasswordKey;
  readonly policies: PasswordPolicies;
  /** Whether a binding wants this policy attached to the user. */
  readonly isBound: IsBound;
}

export type IsBound = (
  user: { readonly awsAccount: string; readonly userId: string },
  arn: string,
) => boolean;

/** The pass ends here, with what was told; to be gone on with after so many milliseconds. */
export interface Stop {
  readonly afterMs?: number;
}

/** The password of one user in one pass: what is known, remembered and to be told of it. */
export class ConsoleState {
  readonly tools: ConsoleTools;
  readonly inputs: PartInputs;
  readonly secret: KeySecret;
  readonly notes: string[] = [];
  readonly problems: Verdict[] = [];
  readonly mended = new Set<string>();
  account: AwsAccount;
  user: PartInputs['user'];
  stored: ConsoleMemory | undefined;

  constructor(tools: ConsoleTools, inputs: PartInputs, memory: ConsoleMemory | undefined) {
    const { pass, user } = inputs;
    this.tools = tools;
    this.inputs = inputs;
    this.account = pass.account;
    this.user = user;
    this.stored = memory;
    this.secret = new KeySecret({ vault: tools.vault, inputs });
  }

  get memory(): ConsoleMemory {
    return this.stored ?? noConsole;
  }

  get pass(): PartInputs['pass'] {
    return this.inputs.pass;
  }

  get calls(): { readonly signal: AbortSignal } {
    return { signal: this.pass.signal };
  }

  /** By AWS's clock. */
  get now(): number {
    return this.tools.clock.now() + this.pass.connection.api.skewMs;
  }

  get labels(): { readonly userName: string; readonly accountId: string } {
    return { userName: this.user.userName, accountId: this.pass.connection.caller.accountId };
  }

  /** What a password is known by on the object. @throws {UnusablePasswordKey} */
  async hash(password: string): Promise<string> {
    const { hash } = await this.tools.passwordKey.obtain(this.pass.signal);
    return hash(this.user.userId, password);
  }

  async remember(memory: ConsoleMemory): Promise<void> {
    const text = writeConsoleMemory(memory, this.user.userId);
    if (this.account.metadata.annotations?.[annotations.console] !== text) {
      const noted = { annotations: { [annotations.console]: text } };
      this.account = await this.tools.record.remember(this.account, noted, this.pass.signal);
    }
    this.stored = memory;
  }
}
