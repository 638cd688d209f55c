import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../examples/invalid');

/** How the wrong input is found out: kubectl refuses it, or the object says so in a condition. */
export type Expectation =
  | { readonly at: 'apply' }
  | { readonly at: 'condition'; readonly type: string; readonly status: string; readonly reason: string };

/** A file of examples/invalid: what its comments promise, and the manifest itself. */
export interface InvalidExample {
  readonly file: string;
  readonly expect: Expectation;
  /** Parts of the sentence that a person gets to read. */
  readonly says: readonly string[];
  /** A document that is there already; it is accepted. */
  readonly before: string | undefined;
  /** An IAM user that somebody else made before. */
  readonly exists: string | undefined;
  /** A flag that the operator has to run with for this. */
  readonly operatorFlag: string | undefined;
  /** The file as it stands: kubectl sees the same bytes that a person would give it. */
  readonly text: string;
}

/** The object that a condition is looked for on. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly endpoints?: object };
}

/** Every file of the folder, by name. Throws for one without an expectation or a sentence. */
export async function invalidExamples(): Promise<readonly InvalidExample[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (file) => parseInvalidExample(file, await readFile(join(folder, file), 'utf8'))),
  );
}

export function parseInvalidExample(file: string, text: string): InvalidExample {
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^# ${key}: (.+)$`, 'gm'))].map((match) => match[1] ?? '');
  const says = values('says');
  const expectation = values('expect');
  if (expectation.length !== 1 || says.length === 0) {
    throw new Error(`${file}: write one line "# expect: …" and at least one "# says: …"`);
  }
  const before = /^# before: \|\n((?:#(?: {3}.*)?\n)+)/m.exec(text)?.[1];
  return {
    file,
    expect: parseExpectation(file, expectation[0] ?? ''),
    says,
    before: before?.replaceAll(/^#(?: {3})?/gm, ''),
    exists: values('exists')[0],
    operatorFlag: values('operator')[0],
    text,
  };
}

function parseExpectation(file: string, text: string): Expectation {
  if (text === 'apply') {
    return { at: 'apply' };
  }
  const match = /^condition (\w+)=(True|False|Unknown) reason=(\w+)$/.exec(text);
  if (match === null) {
    throw new Error(`${file}: "# expect: ${text}" is neither apply nor condition Type=Status reason=Reason`);
  }
  const [, type = '', status = '', reason = ''] = match;
  return { at: 'condition', type, status, reason };
}

export function manifestOf(text: string): Manifest {
  return parse(text) as Manifest;
}

/** What kubectl did with a file that it has to refuse: undefined where that is as promised. */
export function refusalProblem(
  example: InvalidExample,
  result: { readonly code: number; readonly stderr: string },
): string | undefined {
  if (result.code === 0) {
    return `${example.file} was accepted, and must be refused`;
  }
  const missing = example.says.filter((sentence) => !result.stderr.includes(sentence));
  return missing.length === 0
    ? undefined
    : `${example.file} was refused without saying: ${missing.join(' | ')}\n${result.stderr}`;
}
