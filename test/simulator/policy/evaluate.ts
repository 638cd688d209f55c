import type { Context } from './condition.ts';
import { compileDocument, type Statement } from './document.ts';

/** A policy as IAM stores it; `id` (an ARN or a name) is what `matched` reports. */
export interface PolicyDocumentSource {
  id: string;
  document: string;
}

type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

interface Verdict {
  readonly decision: Decision;
  readonly matched: readonly string[];
}

/**
 * Decides as AWS does for a principal of the resource's own account, where no resource policy speaks
 * (IAM User Guide: reference_policies_evaluation-logic): an explicit deny anywhere wins; else the
 * identity policies, the boundary if there is one and the SCPs if they are in force must all allow.
 * A request for several resources is allowed when it is for each of them.
 *
 * @param request `action` is service:Operation in any case; `resources` are ARNs (none means `*`);
 * names of `context` keys are case-insensitive; without `scps`, or with none, no SCP is in force.
 * @returns `matched`: the ids of the policies that deny, or, when allowed, of the identity policies
 * that allow; empty for an implicit deny.
 */
export function evaluate(request: {
  action: string;
  resources: readonly string[];
  context: Readonly<Record<string, string | readonly string[]>>;
  identityPolicies: readonly PolicyDocumentSource[];
  boundary?: PolicyDocumentSource | undefined;
  scps?: readonly PolicyDocumentSource[];
}): { decision: Decision; matched: readonly string[] } {
  const context = contextOf(request.context);
  const layers = [
    request.identityPolicies,
    ...(request.boundary === undefined ? [] : [[request.boundary]]),
    ...(request.scps === undefined || request.scps.length === 0 ? [] : [request.scps]),
  ];
  const resources = request.resources.length === 0 ? ['*'] : request.resources;
  let result: Verdict = { decision: 'implicitDeny', matched: [] };
  let denied = false;
  for (const resource of resources) {
    const verdict = decide(layers, request.action, resource, context);
    switch (verdict.decision) {
      case 'explicitDeny':
        return verdict;
      case 'implicitDeny':
        denied = true;
        break;
      case 'allowed':
        result = {
          decision: 'allowed',
          matched: [...new Set([...result.matched, ...verdict.matched])],
        };
        break;
    }
  }
  return denied ? { decision: 'implicitDeny', matched: [] } : result;
}

function decide(
  layers: readonly (readonly PolicyDocumentSource[])[],
  action: string,
  resource: string,
  context: Context,
): Verdict {
  const denying: string[] = [];
  const allowing: string[][] = [];
  for (const layer of layers) {
    const allowingHere: string[] = [];
    for (const policy of layer) {
      let allows = false;
      let denies = false;
      for (const statement of compileDocument(policy.document)) {
        if (applies(statement, action, resource, context)) {
          allows ||= statement.effect === 'Allow';
          denies ||= statement.effect === 'Deny';
        }
      }
      if (denies) {
        denying.push(policy.id);
      }
      if (allows) {
        allowingHere.push(policy.id);
      }
    }
    allowing.push(allowingHere);
  }
  if (denying.length > 0) {
    return { decision: 'explicitDeny', matched: denying };
  }
  return allowing.every((layer) => layer.length > 0)
    ? { decision: 'allowed', matched: allowing[0] ?? [] }
    : { decision: 'implicitDeny', matched: [] };
}

function applies(statement: Statement, action: string, resource: string, context: Context): boolean {
  return (
    statement.actions.test(action) !== statement.exceptActions &&
    (statement.resources === undefined ||
      statement.resources.some((pattern) => pattern.matches(resource, context.lookup)) !==
        statement.exceptResources) &&
    statement.conditions.every((condition) => condition(context))
  );
}

function contextOf(entries: Readonly<Record<string, string | readonly string[]>>): Context {
  const byKey = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(entries)) {
    byKey.set(key.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  const values = (key: string): readonly string[] | undefined => byKey.get(key.toLowerCase());
  return {
    values,
    lookup: (key) => {
      const found = values(key);
      return found?.length === 1 ? found[0] : undefined;
    },
  };
}
