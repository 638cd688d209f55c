import type { AttachedPolicy, DenyState } from './model.ts';

/** The inline policy that shuts a disabled user out: it also ends what sessions of the user may do. */
export const denyPolicyName = 'IDHubDisabled';

export const denyPolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Sid: 'IDHubDisabled', Effect: 'Deny', Action: '*', Resource: '*' }],
});

/** AWS's own policy of the same effect, for a user whose inline quota is full. */
export const denyAllName = 'AWSDenyAll';

export function denyAllArn(partition: string): string {
  return `arn:${partition}:iam::aws:policy/${denyAllName}`;
}

export function isDenyAll(arn: string | undefined): boolean {
  return arn?.endsWith(`:iam::aws:policy/${denyAllName}`) === true;
}

/** Whether the Deny stands, from a user's policies. Documents come percent-encoded from AWS. */
export function denyState(
  inline: readonly { readonly name: string; readonly document: string | undefined }[],
  attached: readonly AttachedPolicy[],
): DenyState {
  const own = inline.find((policy) => policy.name === denyPolicyName);
  if (own !== undefined) {
    return deniesEverything(own.document ?? '') ? 'inline' : 'altered';
  }
  return attached.some((policy) => isDenyAll(policy.arn)) ? 'managed' : 'absent';
}

/** One unconditional statement that denies every action on every resource, however it is written. */
function deniesEverything(document: string): boolean {
  try {
    const text = document.trimStart().startsWith('%') ? decodeURIComponent(document) : document;
    const parsed = JSON.parse(text) as { Statement?: unknown };
    return [parsed.Statement].flat().some((each) => {
      const statement = each as Record<string, unknown> | undefined;
      return (
        statement?.['Effect'] === 'Deny' &&
        [statement['Action']].flat().includes('*') &&
        [statement['Resource']].flat().includes('*') &&
        statement['Condition'] === undefined
      );
    });
  } catch {
    return false;
  }
}
