/** What a policy variable stands for: the request's value, or undefined when it has none (or several). */
export type VariableLookup = (key: string) => string | undefined;

type Part = { readonly text: string } | { readonly variable: string; readonly fallback: string | undefined };

/** A compiled value of a policy, matched against a whole string. */
export interface Pattern {
  matches(value: string, lookup: VariableLookup): boolean;
}

interface PatternOptions {
  /** `*` and `?` are wildcards, not letters. */
  readonly wildcards: boolean;
  /** `${aws:username}` and the like are replaced; their values never act as wildcards. */
  readonly variables: boolean;
  readonly ignoreCase?: boolean;
}

/** The characters that `${*}`, `${?}` and `${$}` stand for, literally. */
const literalVariables: ReadonlySet<string> = new Set(['*', '?', '$']);

/**
 * Compiles one value of Action, Resource or Condition
 * (IAM User Guide: reference_policies_elements_resource, reference_policies_variables).
 */
export function compilePattern(source: string, options: PatternOptions): Pattern {
  const flags = options.ignoreCase === true ? 'isu' : 'su';
  const parts = options.variables ? split(source) : [{ text: source }];
  if (parts.every((part) => 'text' in part)) {
    const regExp = new RegExp(
      `^${parts.map((part) => expression(part.text, options.wildcards)).join('')}$`,
      flags,
    );
    return { matches: (value) => regExp.test(value) };
  }
  return {
    matches: (value, lookup) => {
      let body = '';
      for (const part of parts) {
        if ('text' in part) {
          body += expression(part.text, options.wildcards);
          continue;
        }
        const replacement = literalVariables.has(part.variable)
          ? part.variable
          : (lookup(part.variable) ?? part.fallback);
        if (replacement === undefined) {
          return false;
        }
        body += expression(replacement, false);
      }
      return new RegExp(`^${body}$`, flags).test(value);
    },
  };
}

/** One expression for a list of action patterns, which know wildcards but no variables. */
export function compileActions(sources: readonly string[]): RegExp {
  return new RegExp(`^(?:${sources.map((source) => expression(source, true)).join('|')})$`, 'isu');
}

function split(source: string): Part[] {
  const parts: Part[] = [];
  const variable = /\$\{([^}]*)\}/gu;
  let end = 0;
  for (const match of source.matchAll(variable)) {
    parts.push({ text: source.slice(end, match.index) });
    const [, content = ''] = match;
    const withDefault = /^\s*([^,]*?)\s*,\s*'(.*)'\s*$/u.exec(content);
    parts.push({
      variable: withDefault?.[1] ?? content.trim(),
      fallback: withDefault?.[2],
    });
    end = match.index + match[0].length;
  }
  parts.push({ text: source.slice(end) });
  return parts;
}

function expression(text: string, wildcards: boolean): string {
  const escaped = text.replace(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
  return wildcards ? escaped.replaceAll(String.raw`\*`, '.*').replaceAll(String.raw`\?`, '.') : escaped;
}
