export type Token =
  | { readonly kind: 'word' | 'open' | 'close' | 'begin' | 'end'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: string | number; readonly text: string; readonly at: number };

/** A filter that cannot be read; `message` is a sentence for who wrote it. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
}

const pattern =
  /\s+|(?<string>"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w$:.-])|(?<word>[A-Za-z$][\w$:.-]*)|(?<mark>[()[\]])|(?<part>\.[A-Za-z$][\w$-]*)/uy;

const marks = { '(': 'open', ')': 'close', '[': 'begin', ']': 'end' } as const;

/** The words of a filter; strings as JSON has them (RFC 7644, 3.4.2.2). @throws {FilterError} */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) {
      throw new FilterError(unreadable(text, at));
    }
    const { string, number, word, mark, part } = groups;
    if (string !== undefined) {
      tokens.push({ kind: 'value', value: decoded(string, text, at), text: string, at });
    } else if (number !== undefined) {
      tokens.push({ kind: 'value', value: Number(number), text: number, at });
    } else if (word !== undefined || part !== undefined) {
      tokens.push({ kind: 'word', text: word ?? part ?? '', at });
    } else if (mark !== undefined) {
      tokens.push({ kind: marks[mark as keyof typeof marks], text: mark, at });
    }
  }
  return tokens;
}

/** Control characters have to be escaped, as in JSON. */
function decoded(string: string, text: string, at: number): string {
  let value: string;
  try {
    value = JSON.parse(string) as string;
  } catch {
    throw new FilterError(unreadable(text, at));
  }
  if (!value.isWellFormed()) {
    throw new FilterError(`the text that begins at character ${at + 1} has half of a surrogate pair in it`);
  }
  return value;
}

function unreadable(text: string, at: number): string {
  return text[at] === '"'
    ? `the text that begins at character ${at + 1} does not end, or has a character that must be escaped; write it as in JSON: "…", with \\" for a quote and \\\\ for a backslash`
    : `character ${at + 1} (${JSON.stringify(text.slice(at, at + 1))}) has no meaning here; texts stand in double quotes, as in department eq "Sales"`;
}
