import type { AwsApi, CallOptions, InputOf, Operation, OutputOf } from '../../../src/aws/index.ts';

/** The client of a connection, as one run uses it: its calls are counted. */
export class CountedApi implements AwsApi {
  readonly #api: AwsApi;
  /** Calls so far, those that failed among them. */
  calls = 0;

  constructor(api: AwsApi) {
    this.#api = api;
  }

  get skewMs(): number {
    return this.#api.skewMs;
  }

  call<K extends Operation>(operation: K, input: InputOf<K>, options: CallOptions): Promise<OutputOf<K>> {
    this.calls += 1;
    return this.#api.call(operation, input, options);
  }

  /** The connection's to close. */
  close(): void {}
}
