type CommandOf<M, K extends string> = `${K}Command` extends keyof M ? M[`${K}Command`] : never;
type Instance<M, K extends string> = CommandOf<M, K> extends new (...args: never) => infer I ? I : never;

/** The input of an operation of the SDK client module `M`, in the SDK's own type. */
export type InputOf<M, K extends string> = Instance<M, K> extends { readonly input: infer I } ? I : never;

/** The output of an operation of the SDK client module `M`, in the SDK's own type. */
export type OutputOf<M, K extends string> =
  Instance<M, K> extends {
    resolveMiddleware(...args: never): (...args: never) => Promise<{ output: infer O }>;
  }
    ? Omit<O, '$metadata'>
    : never;

/** Handlers of the operations `K`. They are synchronous: a call is atomic. */
export type HandlersOf<M, Context, K extends string> = {
  readonly [P in K]: (context: Context, input: InputOf<M, P>) => OutputOf<M, P>;
};

/** A handler whose operation is known by name only; its input was validated against the model. */
export type AnyHandler<Context> = (
  context: Context,
  input: Readonly<Record<string, unknown>>,
) => Readonly<Record<string, unknown>>;

/** Handlers by operation. The types of the operations meet the wire's here. */
export function handlerTable<Context>(
  ...tables: readonly object[]
): ReadonlyMap<string, AnyHandler<Context>> {
  return new Map(tables.flatMap((table) => Object.entries(table) as [string, AnyHandler<Context>][]));
}
