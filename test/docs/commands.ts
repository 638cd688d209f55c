/** What a person is told to type: a block for a shell, or a command amid a sentence. */
export interface Command {
  /** Of the repository's root. */
  readonly page: string;
  /** As typed: no indentation, of a `console` block only what follows its prompts. */
  readonly script: string;
  /** What a `console` block says that one sees then. */
  readonly shown?: string;
}

/** The commands of a page of Markdown, in its order. Pure. */
export function commandsOf(page: string, text: string): readonly Command[] {
  const found: { readonly at: number; readonly command: Command }[] = [];
  const blocks = /^( *)```(\w*)[^\n]*\n([^]*?)^ *```$/gm;
  for (const match of text.matchAll(blocks)) {
    const [, indent = '', language = '', block = ''] = match;
    const lines = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    if (['sh', 'bash', 'shell'].includes(language)) {
      found.push({ at: match.index, command: { page, script: lines } });
    } else if (language === 'console') {
      const typed = lines.split('\n').filter((line) => line.startsWith('$ '));
      const shown = lines.split('\n').filter((line) => !line.startsWith('$ '));
      const script = `${typed.map((line) => line.slice(2)).join('\n')}\n`;
      found.push({ at: match.index, command: { page, script, shown: shown.join('\n') } });
    }
  }
  // With a verb and what it is about: a name such as `kubectl describe` is no command.
  const prose = text.replaceAll(blocks, (block) => block.replaceAll(/[^\n]/g, ' '));
  for (const match of prose.matchAll(/`((?:kubectl|helm) [a-z-]+ [^`]+)`/g)) {
    found.push({ at: match.index, command: { page, script: `${match[1] ?? ''}\n` } });
  }
  return found.toSorted((one, other) => one.at - other.at).map(({ command }) => command);
}

/** How a command of a page is run. */
export interface Run {
  /** How its script begins: enough to know it by. */
  readonly begins: string;
  /** In place of what a person fills in. */
  readonly replace?: Readonly<Record<string, string>>;
  /** What has to be there before: a name that the suite knows. */
  readonly given?: string;
  /** What the output has to have. */
  readonly says?: RegExp;
  /** What has to be so afterwards: a name that the suite knows. */
  readonly holds?: string;
  /** It is to fail. */
  readonly fails?: true;
  /** After all others of its page. */
  readonly last?: true;
  /** Where a test runs it, or one that is the same but for names, in another way; with the reason. */
  readonly elsewhere?: { readonly test: string; readonly why: string };
}

/** A page with its commands and what becomes of each. */
export interface Page {
  readonly page: string;
  readonly runs: readonly Run[];
}

/** What of a table does not fit what is written; empty where all does. Pure. */
export function misfits(pages: readonly Page[], commands: readonly Command[]): readonly string[] {
  const said = pages.flatMap(({ page, runs }) => {
    const written = commands.filter((command) => command.page === page);
    const wrong = runs.flatMap(({ begins, replace = {} }, index) => {
      const { script } = written[index] ?? {};
      if (script?.startsWith(begins) !== true) {
        return [`${page}: command ${index + 1} is "${firstLine(script)}", and the table has "${begins}"`];
      }
      return Object.keys(replace)
        .filter((placeholder) => !script.includes(placeholder))
        .map((placeholder) => `${page}: "${firstLine(script)}" has no ${placeholder}`);
    });
    const more = written
      .slice(runs.length)
      .map(({ script }) => `${page}: "${firstLine(script)}" is not in the table`);
    return [...wrong, ...more];
  });
  const known = new Set(pages.map(({ page }) => page));
  const unknown = new Set(commands.map(({ page }) => page).filter((page) => !known.has(page)));
  return [...said, ...[...unknown].map((page) => `${page} has commands and is not in the table`)];
}

function firstLine(script = ''): string {
  return script.split('\n')[0] ?? '';
}

/** A script with what a person fills in. Pure. @throws {Error} where something is left to be filled in */
export function filledIn(script: string, replace: Readonly<Record<string, string>>): string {
  const filled = Object.entries(replace).reduce((text, [from, to]) => text.replaceAll(from, to), script);
  const left = /(?<![\w$"'{])(?:NAME|NAMESPACE|RUN|TOKEN|PASSWORD|[A-Z]+_KEY(?:_ID)?)\b(?![:=])/.exec(
    filled.replaceAll(/custom-columns=\S+/g, ''),
  );
  if (left !== null) {
    throw new Error(`${left[0]} is still to be filled in: ${filled}`);
  }
  return filled;
}
