import { createHash } from 'node:crypto';
import { alreadyExists, AwsError, noSuchEntity } from '../errors.ts';
import type { LoginProfile, PasswordPolicy, User } from '../state/index.ts';
import { need, userToChange, userToRead, type Handlers, type IamContext } from './context.ts';

type Operations =
  | 'CreateLoginProfile'
  | 'GetLoginProfile'
  | 'UpdateLoginProfile'
  | 'DeleteLoginProfile'
  | 'ChangePassword'
  | 'GetAccountPasswordPolicy'
  | 'UpdateAccountPasswordPolicy'
  | 'DeleteAccountPasswordPolicy';

interface Hashed {
  readonly salt: string;
  readonly hash: string;
}

/** A fast hash: what it protects exists in a test's memory only. */
const hashOf = (salt: string, password: string): string =>
  createHash('sha256').update(salt).update(password).digest('hex');

const fits = ({ salt, hash }: Hashed, password: string): boolean => hashOf(salt, password) === hash;

export function passwordFits(user: User, password: string): boolean {
  return user.login !== undefined && fits(user.login, password);
}

const SYMBOL = /[!@#$%^&*()_+\-=[\]{}|']/;
/** How many earlier passwords a policy can forbid (PasswordReusePrevention, API reference). */
const MAX_EARLIER = 24;

/** Throws PasswordPolicyViolation unless the account's policy, or AWS's default one, allows the password. */
function checkPassword(context: IamContext, user: User, password: string): void {
  const violation = (message: string): AwsError => new AwsError('PasswordPolicyViolation', message);
  const { passwordPolicy: policy, alias, id } = context.account;
  const classes = [/[A-Z]/, /[a-z]/, /\d/, SYMBOL].map((shape) => shape.test(password));
  const [upper, lower, digit, symbol] = classes;
  if (policy === undefined) {
    if (password.length < 8) {
      throw violation('Password should have a minimum length of 8');
    }
    if (classes.filter(Boolean).length < 3) {
      throw violation(
        'Password should have at least three of: uppercase letters, lowercase letters, numbers, symbols',
      );
    }
    if (password === alias || password === id) {
      throw violation('Password should not be the account name');
    }
    return;
  }
  if (password.length < policy.MinimumPasswordLength) {
    throw violation(`Password should have a minimum length of ${policy.MinimumPasswordLength}`);
  }
  const demands = [
    [policy.RequireUppercaseCharacters, upper, 'uppercase letter'],
    [policy.RequireLowercaseCharacters, lower, 'lowercase letter'],
    [policy.RequireNumbers, digit, 'number'],
    [policy.RequireSymbols, symbol, 'symbol'],
  ] as const;
  for (const [demanded, present, what] of demands) {
    if (demanded && present !== true) {
      throw violation(`Password should have at least one ${what}`);
    }
  }
  const reuse = policy.PasswordReusePrevention ?? 0;
  const past = user.login === undefined ? [] : [user.login, ...user.login.earlier];
  if (past.slice(0, reuse).some((earlier) => fits(earlier, password))) {
    throw violation('Password was used before and cannot be used again');
  }
}

function hashed(context: IamContext, password: string): Hashed {
  const salt = context.account.random.uuid();
  return { salt, hash: hashOf(salt, password) };
}

function withPassword(context: IamContext, login: LoginProfile, password: string): LoginProfile {
  return {
    ...login,
    ...hashed(context, password),
    changedAt: context.now,
    earlier: [{ salt: login.salt, hash: login.hash }, ...login.earlier].slice(0, MAX_EARLIER),
  };
}

function loginOf(user: User): LoginProfile {
  if (user.login === undefined) {
    throw noSuchEntity(`Login Profile for User ${user.name} cannot be found.`);
  }
  return user.login;
}

/** The profile, once it has settled after its creation. */
function settledLogin(context: IamContext, user: User): LoginProfile {
  const login = loginOf(user);
  if (context.now < login.createdAt + context.loginProfileSettleMs) {
    throw new AwsError(
      'EntityTemporarilyUnmodifiable',
      `Login Profile for User ${user.name} cannot be modified while login profile is being created.`,
    );
  }
  return login;
}

const loginShape = (user: User, login: LoginProfile) => ({
  UserName: user.name,
  CreateDate: new Date(login.createdAt),
  PasswordResetRequired: login.resetRequired,
});

function policyShape(policy: PasswordPolicy) {
  return { ...policy, ExpirePasswords: policy.MaxPasswordAge !== undefined };
}

export const passwords: Handlers<Operations> = {
  CreateLoginProfile(context, input) {
    const user = userToChange(context, input.UserName);
    if (user.login !== undefined) {
      throw alreadyExists(`Login Profile for user ${user.name} already exists.`);
    }
    const password = need(input.Password, 'Password');
    checkPassword(context, user, password);
    const login: LoginProfile = {
      ...hashed(context, password),
      createdAt: context.now,
      changedAt: context.now,
      earlier: [],
      resetRequired: input.PasswordResetRequired ?? false,
    };
    context.account.saveUser({ ...user, login }, user);
    return { LoginProfile: loginShape(user, login) };
  },

  GetLoginProfile(context, input) {
    const user = userToRead(context, input.UserName);
    return { LoginProfile: loginShape(user, loginOf(user)) };
  },

  UpdateLoginProfile(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const login = settledLogin(context, user);
    if (input.Password !== undefined) {
      checkPassword(context, user, input.Password);
    }
    const changed = input.Password === undefined ? login : withPassword(context, login, input.Password);
    const resetRequired = input.PasswordResetRequired ?? login.resetRequired;
    context.account.saveUser({ ...user, login: { ...changed, resetRequired } }, user);
    return {};
  },

  DeleteLoginProfile(context, input) {
    const user = userToChange(context, input.UserName);
    settledLogin(context, user);
    const { login: _, ...rest } = user;
    context.account.saveUser(rest, user);
    return {};
  },

  ChangePassword(context, input) {
    const user = userToChange(context, undefined);
    const login = settledLogin(context, user);
    if (!fits(login, need(input.OldPassword, 'OldPassword'))) {
      throw new AwsError('AccessDenied', 'The old password was incorrect.');
    }
    const password = need(input.NewPassword, 'NewPassword');
    checkPassword(context, user, password);
    const changed = { ...withPassword(context, login, password), resetRequired: false };
    context.account.saveUser({ ...user, login: changed }, user);
    return {};
  },

  GetAccountPasswordPolicy({ account }) {
    if (account.passwordPolicy === undefined) {
      throw noSuchEntity(`The Password Policy with domain name ${account.id} cannot be found.`);
    }
    return { PasswordPolicy: policyShape(account.passwordPolicy) };
  },

  UpdateAccountPasswordPolicy({ account }, input) {
    // What is left out goes back to its default (UpdateAccountPasswordPolicy, API reference).
    account.passwordPolicy = {
      MinimumPasswordLength: input.MinimumPasswordLength ?? 6,
      RequireSymbols: input.RequireSymbols ?? false,
      RequireNumbers: input.RequireNumbers ?? false,
      RequireUppercaseCharacters: input.RequireUppercaseCharacters ?? false,
      RequireLowercaseCharacters: input.RequireLowercaseCharacters ?? false,
      AllowUsersToChangePassword: input.AllowUsersToChangePassword ?? false,
      ...(input.MaxPasswordAge === undefined ? {} : { MaxPasswordAge: input.MaxPasswordAge }),
      ...(input.PasswordReusePrevention === undefined
        ? {}
        : { PasswordReusePrevention: input.PasswordReusePrevention }),
      ...(input.HardExpiry === undefined ? {} : { HardExpiry: input.HardExpiry }),
    };
    return {};
  },

  DeleteAccountPasswordPolicy({ account }) {
    if (account.passwordPolicy === undefined) {
      throw noSuchEntity('The account policy with name PasswordPolicy cannot be found.');
    }
    account.passwordPolicy = undefined;
    return {};
  },
};
