/** What is remembered of a console password on the object. All times are of AWS's clock, in milliseconds. */
export interface ConsoleMemory {
  /** Nothing is known of the past: what there is, is the baseline. */
  readonly baseline?: true;
  /** There is no login profile, and none is wanted. */
  readonly none?: true;
  /** There is no login profile, and one is to be made. */
  readonly absent?: true;
  /** The password was left to others since. */
  readonly lapsed?: true;
  /** It was set again while the Deny of a disabled user still stands. */
  readonly back?: true;
  /** Of the password that was last set from a Secret that a person keeps: `<key id>:<hmac>`. */
  readonly input: string | null;
  /** The reset that was last obeyed. */
  readonly resetId: string | null;
  /** When it was last set from here. */
  readonly setAt: number | null;
  /** When it was last known whether there is a login profile. */
  readonly checkedAt: number | null;
  /** Where a generated password was published, and for which name of the user. */
  readonly published: { readonly secret: string; readonly userName: string } | null;
  /** The person has to choose another one, as far as is known. */
  readonly mustChange: boolean;
  /** Whether the person may choose one was not looked at yet. */
  readonly rightDue: boolean;
  /** `IAMUserChangePassword` was attached from here. */
  readonly changeRight: boolean;
  /** A password that is about to be set. */
  readonly pending: PendingPassword | null;
  /** A password that AWS's policy refused. */
  readonly refused: RefusedPassword | null;
}

export interface PendingPassword {
  /** Of the password: `<key id>:<hmac>`. */
  readonly hash: string;
  readonly generated: boolean;
  readonly resetId: string | null;
  readonly how: 'create' | 'update';
  readonly at: number;
}

export interface RefusedPassword {
  readonly input: string | null;
  readonly resetId: string | null;
  readonly at: number;
  /** AWS's sentence, and where the password is; never the password. */
  readonly message: string;
}

export const noConsole: ConsoleMemory = {
  input: null,
  resetId: null,
  setAt: null,
  checkedAt: null,
  published: null,
  mustChange: false,
  rightDue: false,
  changeRight: false,
  pending: null,
  refused: null,
};

/** The password that is declared. */
export type PasswordInput =
  /** None is given: one is generated. */
  | { readonly kind: 'generated' }
  /** In a Secret of a person: `<key id>:<hmac>`. */
  | { readonly kind: 'given'; readonly hash: string }
  /** It is to be in a Secret, and is not; a sentence. */
  | { readonly kind: 'missing'; readonly why: string };

export interface ConsoleFacts {
  readonly access: 'Managed' | 'None';
  readonly memory: ConsoleMemory | undefined;
  /** The user was made in this pass. */
  readonly made: boolean;
  /** A disabled user is about to be let in again. */
  readonly opening: boolean;
  /** The disable removed a login profile. */
  readonly switchedOff: boolean;
  /** Whether there is a login profile, by a live look of this pass. */
  readonly profile: boolean | undefined;
  /** Somebody asks for a live look, or the credential report contradicts what is remembered. */
  readonly lookAnyway: boolean;
  readonly input: PasswordInput;
  /** The reset that is asked for. */
  readonly resetId: string | undefined;
  /** The report shows that the password was changed since it was set from here. */
  readonly changed: boolean;
  /** A binding wants the policy that gives the right to change it: it is not ours to take away meanwhile. */
  readonly rightBound: boolean;
  /** No policy of the user gives that right, by the newest that is known. */
  readonly rightGone: boolean;
  /** Giving it was tried in this pass. */
  readonly rightTried: boolean;
  /** Where generated credentials go by the spec. */
  readonly secretName: string;
  readonly userName: string;
  readonly now: number;
}

export type ConsoleStep =
  | { readonly do: 'look' }
  | { readonly do: 'remember'; readonly memory: ConsoleMemory }
  | {
      readonly do: 'set';
      readonly how: 'create' | 'update';
      /** For the event, after `console password set`. */
      readonly why: string;
      /** Somebody had removed it in AWS. */
      readonly mended?: true;
    }
  | { readonly do: 'remove'; readonly mended?: true }
  | { readonly do: 'giveRight' }
  | { readonly do: 'takeRight' }
  | { readonly do: 'move'; readonly from: string }
  | { readonly do: 'label' }
  /** A generated password that is no longer the one is taken out of its Secret. */
  | { readonly do: 'unpublish'; readonly secret: string }
  | {
      readonly do: 'rest';
      readonly problem?: {
        readonly reason: 'PasswordSecretNotFound' | 'PasswordPolicyViolation';
        readonly message: string;
      };
      readonly afterMs?: number;
    };
