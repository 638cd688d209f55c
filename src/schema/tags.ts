/** IAM's most tags on a user (IAM quotas). */
export const maxTags = 50;
/** Most characters of a tag value (IAM API reference, Tag). */
export const maxTagValue = 256;

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface TagInputs {
  /** What the user carries. */
  readonly current: readonly Tag[];
  /** What it should carry of ours. */
  readonly desired: ReadonlyMap<string, string>;
  /** Keys that we wrote before, as written: only these are ever removed. */
  readonly written: readonly string[];
  /** Keys that are never written or removed, whoever asks. */
  readonly protectedKeys: readonly string[];
}

export interface TagPlan {
  readonly untag: readonly string[];
  readonly tag: readonly Tag[];
  /** Sentences on tags that are left alone although they were asked for. */
  readonly conflicts: readonly string[];
  /** The desired keys that those are about. */
  readonly refused: readonly string[];
  /** Tags that the user would carry afterwards, foreign ones included. */
  readonly total: number;
}

/**
 * The fewest calls from one set of tags to the other. Keys are compared without regard to case, as
 * IAM does; foreign tags stay; a foreign tag under our key in other case is a conflict, since
 * writing ours would replace it without a word. `aws:` keys belong to AWS and are never touched.
 */
export function planTags(inputs: TagInputs): TagPlan {
  const current = new Map(inputs.current.map((tag) => [fold(tag.key), tag]));
  const kept = new Set(inputs.protectedKeys.map(fold));
  const written = new Set(inputs.written);
  const wanted = new Set<string>();
  const untag: string[] = [];
  const tag: Tag[] = [];
  const conflicts: string[] = [];
  const refused: string[] = [];
  let added = 0;

  for (const [key, value] of inputs.desired) {
    const folded = fold(key);
    const present = current.get(folded);
    wanted.add(folded);
    if (kept.has(folded)) {
      if (present?.value !== value) {
        refused.push(key);
        conflicts.push(`tag "${key}" is protected by the connection and was not written`);
      }
    } else if (present === undefined) {
      tag.push({ key, value });
      added += 1;
    } else if (present.key !== key) {
      if (written.has(present.key)) {
        untag.push(present.key);
        tag.push({ key, value });
      } else {
        refused.push(key);
        conflicts.push(
          `tag "${key}" was not written: the user carries "${present.key}", which IAM takes for the same key; ` +
            `write the key as "${present.key}", or remove that tag in AWS`,
        );
      }
    } else if (present.value !== value) {
      tag.push({ key, value });
    }
  }
  let removed = 0;
  for (const key of written) {
    const folded = fold(key);
    if (
      !wanted.has(folded) &&
      !kept.has(folded) &&
      current.get(folded)?.key === key &&
      !folded.startsWith('aws:')
    ) {
      untag.push(key);
      removed += 1;
    }
  }
  return { untag, tag, conflicts, refused, total: inputs.current.length + added - removed };
}

/** A name or a tag key as IAM compares it: without regard to case. */
export function fold(name: string): string {
  return name.toLowerCase();
}

export function sameName(one: string, other: string): boolean {
  return fold(one) === fold(other);
}
