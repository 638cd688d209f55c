/** A policy as IAM stores it: `id` (an ARN or a name) is what `matched` reports. */
export interface PolicyDocumentSource {
  id: string;
  document: string;
}

export function evaluate(_request: {
  action: string;
  resources: readonly string[];
  context: Readonly<Record<string, string | readonly string[]>>;
  identityPolicies: readonly PolicyDocumentSource[];
  boundary?: PolicyDocumentSource | undefined;
  scps?: readonly PolicyDocumentSource[];
}): { decision: 'allowed' | 'explicitDeny' | 'implicitDeny'; matched: readonly string[] } {
  return { decision: 'allowed', matched: [] };
}

export function validateDocument(_document: string): string | undefined {
  return undefined;
}

export function iamRequest(
  operation: string,
  _input: Record<string, unknown>,
  _account: {
    id: string;
    partition: string;
    userArn(name: string): string;
    groupArn(name: string): string;
  },
): { actions: string[]; resources: string[]; context: Record<string, string | string[]> } {
  return { actions: [`iam:${operation}`], resources: ['*'], context: {} };
}
