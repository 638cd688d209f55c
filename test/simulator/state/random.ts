/** A source of identifiers. The same seed gives the same sequence. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** `prefix` followed by characters of IAM's id alphabet, `length` in all. */
  id(prefix: string, length: number): string;
  digits(length: number): string;
  /** A secret of 40 characters, as secret access keys are. */
  secret(): string;
  uuid(): string;
}

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Small fast counter generator, sfc32 (PractRand): good enough for ids, not for keys of a real service. */
export function createRandom(seed: number): Random {
  let a = seed | 0;
  let b = (seed / 0x1_0000_0000) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let round = 0; round < 15; round += 1) {
    next();
  }
  const text = (alphabet: string, length: number): string => {
    let result = '';
    for (let index = 0; index < length; index += 1) {
      result += alphabet.charAt(Math.floor(next() * alphabet.length));
    }
    return result;
  };
  return {
    next,
    id: (prefix, length) => prefix + text(ID_ALPHABET, length - prefix.length),
    digits: (length) => text('123456789', 1) + text('0123456789', length - 1),
    secret: () => text(SECRET_ALPHABET, 40),
    uuid: () => {
      const hex = text('0123456789abcdef', 32);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
