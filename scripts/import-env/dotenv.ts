/** A line of the file that is no assignment, or a quote without an end. */
export interface DotenvProblem {
  readonly line: number;
  readonly message: string;
}

export interface DotenvFile {
  /** In the order of the file. */
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly DotenvProblem[];
}

const assignment = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)(?:\s*=|:(?=\s|$))[ \t]*/;

/**
 * Reads a .env file by the rules of dotenv 16, in whose form the vendor's guide writes it (`NAME: 'value'`, with a
 * colon), and stricter: a line that is no assignment, or a name that comes twice, is a problem, not passed over.
 *
 * - `NAME=value` and `NAME: value`, with `export` before it or not; a line that begins with `#` is a comment
 * - without quotes: up to a `#` or the end of the line, without blanks around it
 * - in '…', "…" or `…`: as it stands, over several lines too; in "…" \n and \r are line ends
 * - no variable is put in, and nothing is run
 *
 * A problem never quotes the line, which may hold a secret.
 */
export function parseDotenv(text: string): DotenvFile {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replaceAll(/\r\n?/g, '\n')
    .split('\n');
  const values = new Map<string, string>();
  const problems: DotenvProblem[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const at = index + 1;
    if (/^\s*(#.*)?$/.test(line)) {
      continue;
    }
    const match = assignment.exec(line);
    const name = match?.[1];
    if (match === null || name === undefined) {
      problems.push({ line: at, message: "is no assignment: write NAME=value or NAME: 'value'" });
      continue;
    }
    const rest = line.slice(match[0].length);
    const quote = /^['"`]/.exec(rest)?.[0];
    let value = rest.replace(/#.*$/, '').trim();
    if (quote !== undefined) {
      const quoted = readQuoted(quote, [rest.slice(1), ...lines.slice(index + 1)]);
      if (quoted === undefined) {
        problems.push({ line: at, message: `${name} begins with ${quote} and has no ${quote} at its end` });
        continue;
      }
      index += quoted.lines;
      if (!/^\s*(#.*)?$/.test(quoted.after)) {
        problems.push({ line: index + 1, message: `there is more after the closing ${quote} of ${name}` });
      }
      value = quote === '"' ? quoted.value.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : quoted.value;
    }
    if (values.has(name)) {
      problems.push({ line: at, message: `${name} is there twice` });
    }
    values.set(name, value);
  }
  return { values, problems };
}

/** The text up to the closing quote; one with a backslash before it does not close. */
function readQuoted(
  quote: string,
  lines: readonly string[],
): { readonly value: string; readonly after: string; readonly lines: number } | undefined {
  const text = lines.join('\n');
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (text[at - 1] !== '\\') {
      const value = text.slice(0, at);
      const [after = ''] = text.slice(at + 1).split('\n');
      return { value, after, lines: value.split('\n').length - 1 };
    }
  }
  return undefined;
}
