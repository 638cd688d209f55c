import { fold } from '../schema/index.ts';

/**
 * Whether a text is of a pattern: `*` is any number of characters, `?` is one, everything else itself,
 * without regard to case. Takes at most the product of both lengths of time, whatever the pattern.
 */
export function matches(pattern: string, text: string): boolean {
  const [glob, given] = [fold(pattern), fold(text)];
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let index = 0; index < given.length;) {
    if (glob[at] === '*') {
      star = at;
      taken = index;
      at += 1;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === given[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      // What follows the last star does not fit here: the star takes one character more.
      taken += 1;
      index = taken;
      at = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(glob.slice(at));
}

/** Whether there is a text that both patterns match. */
export function meet(one: string, other: string): boolean {
  const [a, b] = [fold(one), fold(other)];
  // row[j]: whether the first i characters of a and the first j of b can stand for the same text.
  let row = startOf(b);
  for (const letter of a) {
    const next = [letter === '*' && row[0] === true];
    for (let j = 1; j <= b.length; j += 1) {
      const its = b[j - 1];
      next[j] =
        letter === '*' || its === '*'
          ? row[j] === true || next[j - 1] === true
          : row[j - 1] === true && (letter === its || letter === '?' || its === '?');
    }
    row = next;
  }
  return row[b.length] === true;
}

function startOf(pattern: string): boolean[] {
  const row = [true];
  for (let j = 1; j <= pattern.length; j += 1) {
    row[j] = pattern[j - 1] === '*' && row[j - 1] === true;
  }
  return row;
}
