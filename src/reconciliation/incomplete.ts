/** A reading that cannot be all there is, or is not of the account that was asked for. Nothing is concluded from it. */
export class IncompleteReadingError extends Error {
  override readonly name = 'IncompleteReadingError';
  /** It is of another AWS account. */
  readonly foreign: boolean;

  constructor(message: string, options: { readonly foreign?: boolean } = {}) {
    super(message);
    this.foreign = options.foreign ?? false;
  }
}
