/** What the account's password policy asks of a password (IAM API reference, PasswordPolicy). */
export interface PasswordPolicy {
  readonly minimumLength: number;
  /** Users may change their own password without any right of their own. */
  readonly allowsChange: boolean;
}

/** What holds where the account has no policy (IAM user guide, default password policy). */
export const defaultPasswordPolicy: PasswordPolicy = { minimumLength: 8, allowsChange: false };

/** Of the symbols that count for AWS, those that need no quoting in shells, YAML and URLs. */
const classes = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '@%^_+=-'] as const;
const leastLength = 24;
/** The longest password that AWS takes (IAM user guide, quotas). */
const mostLength = 128;
/** A name as short as this is in many a password by chance, and says nothing there. */
const tellingLength = 4;

/**
 * A password that any policy of an AWS account allows: as long as it asks for and never less than 24
 * characters (over 140 bits), of all four classes, without the name of the user.
 * @param randomInt a number from 0 to below its argument, unpredictable
 */
export function generatePassword(
  { minimumLength }: PasswordPolicy,
  userName: string,
  randomInt: (below: number) => number,
): string {
  const length = Math.min(mostLength, Math.max(leastLength, minimumLength));
  const all = classes.join('');
  const pick = (from: string): string => from.charAt(randomInt(from.length));
  for (;;) {
    const characters = [
      ...classes.map(pick),
      ...Array.from({ length: length - classes.length }, () => pick(all)),
    ];
    // Fisher and Yates: the classes stand nowhere in particular.
    for (let last = characters.length - 1; last > 0; last -= 1) {
      const other = randomInt(last + 1);
      [characters[last], characters[other]] = [characters[other] ?? '', characters[last] ?? ''];
    }
    const password = characters.join('');
    if (userName.length < tellingLength || !password.toLowerCase().includes(userName.toLowerCase())) {
      return password;
    }
  }
}
