import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generatePassword } from '../../../src/account/index.ts';

/** The symbols that count for AWS (IAM user guide, password policy options). */
const symbols = "!@#$%^&*()_+-=[]{}|'";

test('a generated password fits any policy that AWS can have, and is not the name of the user', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 6, max: 128 }),
      fc.stringMatching(/^[A-Za-z0-9+=,.@_-]{1,64}$/),
      (minimumLength, userName) => {
        const password = generatePassword({ minimumLength, allowsChange: false }, userName, randomInt);
        expect(password.length).toBe(Math.max(24, minimumLength));
        for (const shape of [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z\d]/]) {
          expect(password).toMatch(shape);
        }
        const strange = password.split('').filter((one) => !/[A-Za-z\d]/.test(one) && !symbols.includes(one));
        expect(strange).toEqual([]);
        if (userName.length >= 4) {
          expect(password.toLowerCase()).not.toContain(userName.toLowerCase());
        }
      },
    ),
  );
});

test('one that has the name of the user in it by chance is thrown away', () => {
  let asked = 0;
  // The first attempt takes the first of everything, the second what is unpredictable.
  const numbers = (below: number): number => {
    asked += 1;
    return asked <= 47 ? 0 : randomInt(below);
  };
  const first = generatePassword({ minimumLength: 8, allowsChange: false }, 'x', () => 0);
  const name = first.slice(2, 8);
  const password = generatePassword({ minimumLength: 8, allowsChange: false }, name, numbers);
  expect(password.toLowerCase()).not.toContain(name.toLowerCase());
});

test('no two are alike, and each place can have each class', () => {
  const made = Array.from({ length: 400 }, () =>
    generatePassword({ minimumLength: 8, allowsChange: false }, 'jo', randomInt),
  );
  expect(new Set(made).size).toBe(made.length);
  for (let place = 0; place < 24; place += 1) {
    const there = made.map((password) => password.charAt(place)).join('');
    for (const shape of [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z\d]/]) {
      expect(there).toMatch(shape);
    }
  }
});
