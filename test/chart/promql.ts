import { parser } from '@prometheus-io/lezer-promql';

type SyntaxNode = ReturnType<typeof parser.parse>['topNode'];

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** A metric where a query reads it. */
interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** The function that has it as a range, such as `rate`. */
  readonly over: string | undefined;
}

/** What a query reads, and which labels its result has. */
export interface Query {
  readonly selectors: readonly Selector[];
  /** Of the result; undefined of a scalar. */
  readonly labels: ReadonlySet<string> | undefined;
}

type Labels = ReadonlySet<string> | undefined;

/** Those that keep labels of the series that they choose, or make new ones, are not among them. */
const folding = new Set(['sum', 'min', 'max', 'avg', 'count', 'group', 'stddev', 'stdvar']);

/**
 * Reads a query of Prometheus with the grammar of Prometheus, and works out the labels of its result, as
 * https://prometheus.io/docs/prometheus/latest/querying/operators/ has them.
 * @param labelsOf labels of the series of that name, those of the target included
 * @throws {Error} where the query does not parse, groups by a label that is not there, or has a form that this does not know
 */
export function readQuery(expr: string, labelsOf: (name: string) => ReadonlySet<string>): Query {
  const tree = parser.parse(expr);
  tree.iterate({
    enter: ({ type, from }) => {
      if (type.isError) {
        throw new Error(`no PromQL at ${from}: ${expr}`);
      }
    },
  });
  const selectors: Selector[] = [];
  const textOf = ({ from, to }: SyntaxNode): string => expr.slice(from, to);
  const stringOf = (node: SyntaxNode): string => JSON.parse(textOf(node)) as string;

  const selector = (node: SyntaxNode, over?: string): Labels => {
    const name = node.getChild('Identifier');
    if (name === null) {
      throw new Error(`a selector without a name: ${textOf(node)}`);
    }
    const matchers =
      node
        .getChild('LabelMatchers')
        ?.getChildren('UnquotedLabelMatcher')
        .map((matcher) => ({
          label: textOf(child(matcher, 'LabelName')),
          operator: textOf(child(matcher, 'MatchOp')),
          value: stringOf(child(matcher, 'StringLiteral')),
        })) ?? [];
    selectors.push({ name: textOf(name), matchers, over });
    return labelsOf(textOf(name));
  };

  const grouped = (node: SyntaxNode): Labels => {
    if (!folding.has(textOf(child(node, 'AggregateOp')))) {
      throw new Error(`not known here: ${textOf(node)}`);
    }
    const [body] = childrenOf(child(node, 'FunctionCallBody')).slice(-1);
    const labels = body && visit(body);
    if (labels === undefined) {
      throw new Error(`nothing to aggregate: ${textOf(node)}`);
    }
    const modifier = node.getChild('AggregateModifier');
    if (modifier === null) {
      return new Set();
    }
    const names = child(modifier, 'GroupingLabels').getChildren('LabelName').map(textOf);
    const strange = names.filter((name) => !labels.has(name));
    if (strange.length > 0) {
      throw new Error(`no label ${strange.join(', ')} to group by: ${textOf(node)}`);
    }
    return modifier.getChild('By') === null ? without(labels, names) : new Set(names);
  };

  const called = (node: SyntaxNode): Labels => {
    const name = textOf(child(node, 'FunctionIdentifier'));
    const results = childrenOf(child(node, 'FunctionCallBody')).map((argument) => visit(argument, name));
    const labels = results.findLast((each) => each !== undefined);
    if (name === 'absent') {
      // Of its one element, those that the query itself gives a value.
      const { matchers = [] } = selectors.at(-1) ?? {};
      return new Set(matchers.filter(({ operator }) => operator === '=').map(({ label }) => label));
    }
    return name === 'histogram_quantile' && labels !== undefined ? without(labels, ['le']) : labels;
  };

  const combined = (node: SyntaxNode): Labels => {
    const [left, right] = node.getChildren('Expr').map((each) => visit(each));
    const matching = node.getChild('MatchingModifierClause');
    if (matching !== null) {
      if ((node.getChild('And') ?? node.getChild('Unless')) === null || matching.getChild('On') === null) {
        throw new Error(`not known here: ${textOf(node)}`);
      }
      const names = child(matching, 'GroupingLabels').getChildren('LabelName').map(textOf);
      const strange = names.filter((name) => left?.has(name) !== true || right?.has(name) !== true);
      if (strange.length > 0) {
        throw new Error(`no label ${strange.join(', ')} to match on: ${textOf(node)}`);
      }
      return left;
    }
    if (left === undefined || right === undefined) {
      return left ?? right;
    }
    const both = new Set([...left].filter((label) => right.has(label)));
    if (node.getChild('Or') === null && both.size < Math.max(left.size, right.size)) {
      throw new Error(`the sides never match, since their labels differ: ${textOf(node)}`);
    }
    // Of what either side gives, only what both have is sure to be there.
    return both;
  };

  const visit = (node: SyntaxNode, over?: string): Labels => {
    switch (node.name) {
      case 'NumberDurationLiteral':
      case 'StringLiteral':
        return undefined;
      case 'VectorSelector':
        return selector(node);
      case 'MatrixSelector':
        return selector(child(node, 'VectorSelector'), over);
      case 'ParenExpr':
        return visit(child(node, 'Expr'));
      case 'AggregateExpr':
        return grouped(node);
      case 'FunctionCall':
        return called(node);
      case 'BinaryExpr':
        return combined(node);
      default:
        throw new Error(`not known here: ${node.name} in ${expr}`);
    }
  };
  return { labels: visit(child(tree.topNode, 'Expr')), selectors };
}

function without(labels: ReadonlySet<string>, names: readonly string[]): ReadonlySet<string> {
  return new Set([...labels].filter((label) => !names.includes(label)));
}

function child(node: SyntaxNode, type: string): SyntaxNode {
  const found = node.getChild(type);
  if (found === null) {
    throw new Error(`${node.name} without ${type}`);
  }
  return found;
}

/** Expressions among the children. */
function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return node.getChildren('Expr');
}
