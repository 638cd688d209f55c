import { invalidInput, limitExceeded } from '../errors.ts';
import type { Tag } from '../state/index.ts';

const MAX_TAGS = 50;

interface TagInput {
  readonly Key: string | undefined;
  readonly Value: string | undefined;
}

/**
 * Tags after `added` was laid over `present`. Keys are compared without regard to case: another case replaces the
 * tag (IAM User Guide, "Tagging IAM resources"). Alphabet and lengths were checked against the model before.
 */
export function withTags(present: readonly Tag[], added: readonly TagInput[] | undefined): readonly Tag[] {
  if (added === undefined || added.length === 0) {
    return present;
  }
  const result = new Map(present.map((tag) => [tag.Key.toLowerCase(), tag]));
  const seen = new Set<string>();
  for (const { Key = '', Value = '' } of added) {
    const key = Key.toLowerCase();
    if (seen.has(key)) {
      throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
    }
    seen.add(key);
    if (key.startsWith('aws:')) {
      throw invalidInput('Tag keys that begin with aws: are reserved for AWS use.');
    }
    result.set(key, { Key, Value });
  }
  if (result.size > MAX_TAGS) {
    throw limitExceeded('The number of tags has reached the maximum limit.');
  }
  return [...result.values()];
}

export function withoutTags(present: readonly Tag[], keys: readonly string[] | undefined): readonly Tag[] {
  const gone = new Set(keys?.map((key) => key.toLowerCase()));
  return present.filter((tag) => !gone.has(tag.Key.toLowerCase()));
}
