/** One observation of an object's state, as `metav1.Condition` (Kubernetes API conventions). */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase, for programs. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** The `metadata.generation` that this was observed for. */
  observedGeneration: number;
  /** RFC 3339 in seconds; when `status` last changed. */
  lastTransitionTime: string;
}

/** RFC 3339 in whole seconds, as `metav1.Time` writes it. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * The list with `condition` put in by its type; others stay as and where they are. The transition
 * time moves only when the status changes, so that an equal observation gives an equal list.
 *
 * @param now milliseconds since the epoch
 */
export function setCondition(
  list: readonly Condition[] | undefined,
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: number,
): Condition[] {
  const before = list?.find((one) => one.type === condition.type);
  const next: Condition = {
    type: condition.type,
    status: condition.status,
    reason: condition.reason,
    message: condition.message,
    observedGeneration: condition.observedGeneration,
    lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : formatTime(now),
  };
  return before === undefined
    ? [...(list ?? []), next]
    : (list ?? []).map((one) => (one.type === condition.type ? next : one));
}
