import { malformedPolicy } from './errors.ts';
import { evaluate, validateDocument } from './policy/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whom a trust policy is asked about: each name by which the principal may be given. */
export interface TrustRequest {
  readonly action: string;
  /** The principal itself: ARNs of the user, role or session, or the identity provider's. */
  readonly names: readonly string[];
  /** Names that stand for a whole account: being trusted by one of them needs the identity's own right, too. */
  readonly accountNames: readonly string[];
  readonly kind: 'AWS' | 'Federated';
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

function statementsOf(document: string): readonly Json[] {
  const { Statement: statements } = JSON.parse(document) as Json;
  return (Array.isArray(statements) ? statements : [statements]) as Json[];
}

/** A statement as an identity policy has it: without principal. */
function anonymous(statement: Json, more: Json = {}): Json {
  const { Principal: _, ...rest } = statement;
  return { ...rest, ...more };
}

/** Checks the trust policy of a role. */
export function checkTrust(document: string): string {
  try {
    const statements = statementsOf(document);
    if (statements.some((statement) => !('Principal' in statement))) {
      throw malformedPolicy('AssumeRole policy must contain a principal.');
    }
    if (statements.some((statement) => 'Resource' in statement)) {
      throw malformedPolicy('Has prohibited field Resource');
    }
    const { Version } = JSON.parse(document) as Json;
    const wrong = validateDocument(
      JSON.stringify({
        Version,
        Statement: statements.map((statement) => anonymous(statement, { Resource: '*' })),
      }),
    );
    if (wrong !== undefined) {
      throw malformedPolicy(wrong);
    }
    return document;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw malformedPolicy('This policy contains invalid Json');
    }
    throw error;
  }
}

function principalsOf(statement: Json, kind: TrustRequest['kind']): readonly string[] {
  const principal = statement['Principal'];
  if (principal === '*') {
    return ['*'];
  }
  const names = typeof principal === 'object' && principal !== null ? (principal as Json)[kind] : undefined;
  return typeof names === 'string' ? [names] : Array.isArray(names) ? names.map(String) : [];
}

/** `direct`: the principal itself is trusted; `account`: its account is; `none`: nobody trusts it. */
export function trusts(document: string, request: TrustRequest): 'direct' | 'account' | 'none' {
  const ask = (names: readonly string[]): 'allowed' | 'explicitDeny' | 'implicitDeny' => {
    const statements = statementsOf(document).filter((statement) =>
      principalsOf(statement, request.kind).some((name) => names.includes(name)),
    );
    if (statements.length === 0) {
      return 'implicitDeny';
    }
    const trimmed = statements.map((statement) => anonymous(statement));
    return evaluate({
      action: request.action,
      resources: ['*'],
      context: request.context,
      identityPolicies: [
        { id: 'trust', document: JSON.stringify({ Version: '2012-10-17', Statement: trimmed }) },
      ],
    }).decision;
  };
  const direct = ask([...request.names, '*']);
  const account = ask(request.accountNames);
  if (direct === 'explicitDeny' || account === 'explicitDeny') {
    return 'none';
  }
  return direct === 'allowed' ? 'direct' : account === 'allowed' ? 'account' : 'none';
}
