import { existsSync, readFileSync } from 'node:fs';
import { localPaths, type ControlPlane } from '../cluster/index.ts';

/** What a ServiceAccount has asked of the API server. */
export interface Asked {
  /** Such as `patch aws.idhub.io/awsaccounts/status`. */
  readonly what: string;
  readonly namespace: string;
  /** HTTP status. */
  readonly code: number;
}

interface AuditEvent {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/**
 * The audit log of a control plane with a node: what an account has asked for, in its order. Watches that go on are
 * not in it yet.
 */
export function asked(plane: ControlPlane, serviceAccount: string): readonly Asked[] {
  const { auditLog } = localPaths(plane.stateDir);
  if (!existsSync(auditLog)) {
    throw new Error('there is no audit log: only a control plane of ours with a node has one');
  }
  return readFileSync(auditLog, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user, objectRef }) => user.username === `system:serviceaccount:${serviceAccount}` && objectRef)
    .map(({ verb, objectRef, responseStatus }) => ({
      what: `${verb} ${objectRef?.apiGroup ?? ''}/${[objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/')}`,
      namespace: objectRef?.namespace ?? '',
      code: responseStatus?.code ?? 0,
    }));
}
