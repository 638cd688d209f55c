import type { AwsApi, InputOf, Operation } from '../../src/aws/index.ts';

/** An AWS that gives the answers it was given, and knows no other operation. */
export function answering(answers: {
  readonly [K in Operation]?: (input: InputOf<K>) => unknown;
}): AwsApi {
  return {
    call: async (operation, input) => {
      const answer = answers[operation] as ((input: unknown) => unknown) | undefined;
      if (answer === undefined) {
        throw new Error(`nobody expected ${operation}`);
      }
      return (await answer(input)) as never;
    },
    skewMs: 0,
    close: () => undefined,
  };
}
