/** What IDHub tells of itself, and what the connector would have it say. */
export interface InfoComparison {
  readonly version: string | undefined;
  /** Sentences on what does not fit; empty where all is well. */
  readonly differences: readonly string[];
}

/** Attribute names by resource type, such as `Account`. */
export type ResourceAttributes = Readonly<Record<string, readonly string[]>>;

/**
 * Compares the answer of IDHub's `/info` with what is in force here. Nothing public says what its body is
 * like; our assumption: a JSON object whose `version` is a string, and whose `resources` or `schemas`, where it
 * is there, lists resource types with a `name` or `id` (of which the last part counts) and `attributes` with a
 * `name` each. What is not there is not compared. Pure.
 */
export function compareInfo(
  info: Readonly<Record<string, unknown>>,
  versions: readonly string[],
  ours: ResourceAttributes,
): InfoComparison {
  const told = info['version'];
  const version = typeof told === 'string' && /^[\w.+-]{1,64}$/.test(told) ? told : undefined;
  const differences: string[] = [];
  if (
    versions.length > 0 &&
    !versions.some((each) => version === each || version?.startsWith(`${each}.`) === true)
  ) {
    differences.push(
      `IDHub is of version ${version ?? 'unknown'}; the entry idhubVersions takes ${versions.join(', ')}`,
    );
  }
  for (const resource of listOf(info['resources'] ?? info['schemas'])) {
    const name = nameOf(resource);
    const expected = name === undefined ? undefined : ours[name];
    const theirs = listOf(resource['attributes']).flatMap((attribute) => nameOf(attribute) ?? []);
    if (expected === undefined || theirs.length === 0) {
      continue;
    }
    const lacking = theirs.filter((each) => !expected.includes(each));
    if (lacking.length > 0) {
      differences.push(
        `IDHub's schema of ${name} has ${lacking.slice(0, 10).join(', ')}${lacking.length > 10 ? ` and ${lacking.length - 10} more` : ''}, which the connector has not; change spec.schema of the connection, or onboard the application again`,
      );
    }
  }
  return { version, differences };
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value)
    ? value
        .slice(0, 500)
        .filter((each): each is Record<string, unknown> => typeof each === 'object' && each !== null)
    : [];
}

function nameOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const name = value['name'] ?? value['id'];
  const last = typeof name === 'string' ? name.split(':').at(-1) : undefined;
  return last !== undefined && /^[\w .-]{1,64}$/.test(last) ? last : undefined;
}
