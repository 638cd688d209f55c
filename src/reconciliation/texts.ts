/**
 * Texts taken out of an answer of AWS, so that they can be kept. What the SDK has parsed is held together by the
 * parts from which it was built; these are copies, and what occurs often (names of tags, policies and groups) is
 * kept once. One for each reading.
 */
export class Texts {
  readonly #shared = new Map<string, string>();

  /** A copy, for what occurs once. */
  own(text: string): string {
    return text === '' ? '' : Buffer.from(text, 'utf8').toString('utf8');
  }

  /** The one copy of what occurs often. */
  shared(text: string): string {
    const known = this.#shared.get(text);
    if (known !== undefined) {
      return known;
    }
    const copy = this.own(text);
    this.#shared.set(copy, copy);
    return copy;
  }
}
