import { compileCondition, type Condition } from './condition.ts';
import { compileActions, compilePattern, type Pattern } from './glob.ts';

/** A statement ready to be asked: everything that does not depend on the request is compiled. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: RegExp;
  /** NotAction: applies to everything but `actions`. */
  readonly exceptActions: boolean;
  /** Undefined where a document has no Resource (a role's trust policy): applies to every resource. */
  readonly resources: readonly Pattern[] | undefined;
  readonly exceptResources: boolean;
  readonly conditions: readonly Condition[];
}

type OneOrMany<T> = T | readonly T[];

/** The JSON of a policy, as far as `validateDocument` has let it through. */
export interface StatementJson {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: OneOrMany<string>;
  readonly NotAction?: OneOrMany<string>;
  readonly Resource?: OneOrMany<string>;
  readonly NotResource?: OneOrMany<string>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMany<unknown>>>>>;
}

export function many<T>(value: OneOrMany<T> | undefined): readonly T[] {
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

const compiled = new Map<string, readonly Statement[]>();
const compiledLimit = 4096;

/**
 * The compiled statements of a document. Pure: a document's text is its identity, so the results are
 * remembered (the last `compiledLimit` documents), which is what makes thousands of requests a second cheap.
 *
 * @throws SyntaxError when the text is not JSON; documents were validated when they were stored.
 */
export function compileDocument(document: string): readonly Statement[] {
  const known = compiled.get(document);
  if (known !== undefined) {
    return known;
  }
  const json = JSON.parse(document) as { Version?: string; Statement: OneOrMany<StatementJson> };
  // Before 2012-10-17, ${aws:username} was ordinary text.
  const variables = json.Version === '2012-10-17';
  const statements = many(json.Statement).map((statement) => compileStatement(statement, variables));
  if (compiled.size >= compiledLimit) {
    const [oldest] = compiled.keys();
    compiled.delete(oldest ?? '');
  }
  compiled.set(document, statements);
  return statements;
}

function compileStatement(json: StatementJson, variables: boolean): Statement {
  const exceptActions = json.NotAction !== undefined;
  const exceptResources = json.NotResource !== undefined;
  const resources = json.NotResource ?? json.Resource;
  return {
    effect: json.Effect,
    actions: compileActions(many(exceptActions ? json.NotAction : json.Action)),
    exceptActions,
    resources:
      resources === undefined
        ? undefined
        : many(resources).map((resource) => compilePattern(resource, { wildcards: true, variables })),
    exceptResources,
    conditions: Object.entries(json.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, expected]) =>
        compileCondition(operator, key, many<unknown>(expected).map(String), variables),
      ),
    ),
  };
}
