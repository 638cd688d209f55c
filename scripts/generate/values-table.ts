/** The part of a JSON Schema that a table of values needs. */
export interface ValuesSchema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, ValuesSchema>>;
  readonly enum?: readonly string[];
}

export interface ValueRow {
  /** With dots between: `http.service.port`. */
  readonly path: string;
  readonly fallback: unknown;
  readonly text: string;
}

/**
 * A row for each value that has a default: of an object, its fields; but of one whose fields Kubernetes defines, which
 * has no word on each, the whole of it. Pure.
 */
export function valueRows(schema: ValuesSchema, values: unknown, path = ''): readonly ValueRow[] {
  const described = Object.entries(schema.properties ?? {}).filter(
    ([, each]) => each.description !== undefined,
  );
  const none = values !== null && typeof values === 'object' && Object.keys(values).length === 0;
  if (path !== '' && (described.length === 0 || none)) {
    return [{ path, fallback: values, text: textOf(schema) }];
  }
  return described.flatMap(([name, each]) =>
    values !== null && typeof values === 'object' && name in values
      ? valueRows(each, (values as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`)
      : [],
  );
}

function textOf(schema: ValuesSchema): string {
  const one =
    schema.enum === undefined ? '' : ` One of ${schema.enum.map((each) => `\`${each}\``).join(', ')}.`;
  return `${schema.description ?? ''}${one}`;
}

/** A table in Markdown. Pure. */
export function valuesTable(rows: readonly ValueRow[]): string {
  const line = ({ path, fallback, text }: ValueRow): string => {
    const shown =
      fallback === '' ? '' : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
    return `| \`${path}\` | ${shown} | ${text.replaceAll('|', '\\|')} |`;
  };
  return ['| Value | Default | Meaning |', '|---|---|---|', ...rows.map(line)].join('\n');
}

export const tableBegins = '<!-- values: written by npm run generate -->';
export const tableEnds = '<!-- end of values -->';

/** The text with the table between its marks. @throws {Error} without marks */
export function withTable(text: string, table: string): string {
  const [begin, end] = [text.indexOf(tableBegins), text.indexOf(tableEnds)];
  if (begin < 0 || end < begin) {
    throw new Error(`there is no place for the table: ${tableBegins} … ${tableEnds}`);
  }
  return `${text.slice(0, begin + tableBegins.length)}\n\n${table}\n\n${text.slice(end)}`;
}
