import { existsSync, readFileSync } from 'node:fs';
import { localPaths, type ControlPlane } from '../cluster/index.ts';

/** What a ServiceAccount has asked of the API server. */
export interface Asked {
  readonly verb: string;
  /** With its group, and subresource if any, such as `aws.idhub.io/awsaccounts/status`. */
  readonly resource: string;
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
      verb,
      resource: `${objectRef?.apiGroup ?? ''}/${[objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/')}`,
      namespace: objectRef?.namespace ?? '',
      code: responseStatus?.code ?? 0,
    }));
}

/** One right: a verb on a resource, in one namespace or, where that is empty, everywhere. */
export interface Right {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
}

/** A Role or ClusterRole as the API server has it. */
export interface RoleObject {
  readonly metadata: { readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** Every right that roles give. */
export function rightsOf(roles: readonly RoleObject[]): readonly Right[] {
  return roles.flatMap(({ metadata: { namespace = '' }, rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => ({ verb, resource: `${group}/${resource}`, namespace })),
        ),
      ),
    ),
  );
}

function covers(right: Right, { verb, resource, namespace }: Asked): boolean {
  return (
    right.verb === verb &&
    right.resource === resource &&
    (right.namespace === '' || right.namespace === namespace)
  );
}

/**
 * Whether a right was needed for it: it was answered. That there is nothing (404) is what some reads and deletions are
 * to find out: without the right it would be 403.
 */
function wasAnswered({ verb, code }: Asked): boolean {
  return (code >= 200 && code < 300) || (code === 404 && (verb === 'get' || verb === 'delete'));
}

const told = ({ verb, resource, namespace }: Right): string =>
  `${verb} ${resource}${namespace === '' ? '' : ` in ${namespace}`}`;

/**
 * Rights that nobody used, and what was asked for without one, each in words. An API server that has just started
 * refuses for a moment what it has not read the roles of: what was answered at another time is not missing.
 */
export function compare(
  rights: readonly Right[],
  log: readonly Asked[],
): { readonly unused: readonly string[]; readonly missing: readonly string[] } {
  return {
    unused: rights
      .filter((right) => !log.some((each) => covers(right, each) && wasAnswered(each)))
      .map((right) => told(right)),
    missing: [
      ...new Set(
        log
          .filter(
            (each) =>
              !rights.some((right) => covers(right, each)) ||
              ((each.code === 401 || each.code === 403) &&
                !log.some((other) => wasAnswered(other) && told(other) === told(each))),
          )
          .map((each) => `${told(each)}: ${each.code}`),
      ),
    ],
  };
}
