import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';

/** One reference of a file to a module, in whatever form it is written. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file that a relative specifier leads to; undefined for a package. */
  readonly target: string | undefined;
}

/** Sources by their path from the root of the checkout, `/` between folders. */
export type Sources = ReadonlyMap<string, string>;

/** Every import of a file: static, re-exporting, type-only, dynamic, `import('…')` as a type, `require`. */
export function importsOf(path: string, source: string): readonly Import[] {
  const { program, errors } = parseSync(path, source);
  const fault = errors[0];
  if (fault !== undefined) {
    throw new Error(`${path}: ${fault.message}`);
  }
  const specifiers: string[] = [];
  visit(program, specifiers);
  return specifiers.map((specifier) => ({
    from: path,
    specifier,
    target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined,
  }));
}

/** Files with all of their imports. */
export interface Tree {
  readonly files: ReadonlySet<string>;
  readonly imports: readonly Import[];
}

export function treeOf(sources: Sources): Tree {
  return {
    files: new Set(sources.keys()),
    imports: [...sources].flatMap(([path, source]) => importsOf(path, source)),
  };
}

interface Node {
  readonly type?: string;
  readonly [member: string]: unknown;
}

function visit(value: unknown, found: string[]): void {
  if (Array.isArray(value)) {
    value.forEach((each) => visit(each, found));
    return;
  }
  if (typeof value !== 'object' || value === null) {
    return;
  }
  const node = value as Node;
  const specifier = specifierOf(node);
  if (specifier !== undefined) {
    found.push(specifier);
  }
  Object.values(node).forEach((each) => visit(each, found));
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return textOf(node['source']);
    case 'TSExternalModuleReference':
      return textOf(node['expression']);
    case 'CallExpression': {
      const callee = node['callee'] as Node;
      const isRequire = callee.type === 'Identifier' && callee['name'] === 'require';
      return isRequire ? textOf((node['arguments'] as readonly unknown[])[0]) : undefined;
    }
    default:
      return undefined;
  }
}

/** A specifier that is computed cannot be checked, and is reported as such by the rules. */
function textOf(source: unknown): string | undefined {
  if (source === null || source === undefined) {
    return undefined;
  }
  const { value } = source as { value?: unknown };
  return typeof value === 'string' ? value : '(computed)';
}
