/** One call of the contract, made on the simulator and on each reference. */
export interface Step {
  /** Unique over all cases; leniencies refer to it. */
  readonly name: string;
  /** `service.Operation`. */
  readonly call: `${'iam' | 'sts' | 'organizations' | 'cloudtrail'}.${string}`;
  /** `{name}` in its strings is replaced by the target's variable, or by what an earlier step kept. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Variable → path in the output (`AccessKey.AccessKeyId`, lists by index) that later steps need. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Follows the markers to the end, asking for `size` a page: the outcome is the items and the pages' sizes. */
  readonly pages?: { readonly list: string; readonly size: number };
  /** The part of the output that is compared, where an account holds more than the cases made. */
  readonly view?: (output: Output) => unknown;
  /** Repeats the call for up to so many milliseconds until the view is not empty: for late deliveries. */
  readonly withinMs?: number;
}

export type Output = Readonly<Record<string, unknown>>;

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** What a step came to, with everything that differs from run to run replaced. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly status: number | undefined } };

/** An AWS that is called: the simulator, or a reference. */
export interface Target {
  readonly name: string;
  /** What `{name}` in the inputs stands for here; ids in outputs are replaced by the variable's name. */
  readonly variables: Readonly<Record<string, string>>;
  send(call: Step['call'], input: Readonly<Record<string, unknown>>): Promise<Output>;
  stop(): Promise<void>;
}
