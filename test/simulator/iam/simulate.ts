import { invalidInput, noSuchEntity } from '../errors.ts';
import { policiesOfPrincipal, type PrincipalPolicies } from '../authorization.ts';
import { evaluate } from '../policy/index.ts';
import { keyOf } from '../state/index.ts';
import type { Handlers, IamContext, Output } from './context.ts';
import { checkDocument } from './documents.ts';
import { listed, page } from './paging.ts';

type Operations = 'SimulatePrincipalPolicy' | 'SimulateCustomPolicy';
type Result = NonNullable<Output<'SimulatePrincipalPolicy'>['EvaluationResults']>[number];

interface Simulation {
  readonly policies: PrincipalPolicies;
  readonly serviceControlPolicies: IamContext['serviceControlPolicies'];
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

interface ContextEntry {
  readonly ContextKeyName?: string | undefined;
  readonly ContextKeyValues?: readonly string[] | undefined;
}

const contextOf = (entries: readonly ContextEntry[] | undefined): Record<string, readonly string[]> =>
  Object.fromEntries(
    (entries ?? []).map((entry) => [entry.ContextKeyName ?? '', entry.ContextKeyValues ?? []]),
  );

const sources = (documents: readonly string[] | undefined): { id: string; document: string }[] =>
  (documents ?? []).map((document, index) => ({
    id: `PolicyInputList.${index + 1}`,
    document: checkDocument(document),
  }));

function typeOf(id: string): 'aws-managed' | 'user-managed' | 'user' | 'group' | 'role' | 'none' {
  if (id.startsWith('arn:')) {
    return id.includes(':iam::aws:') ? 'aws-managed' : 'user-managed';
  }
  const kinds = ['user', 'group', 'role'] as const;
  return kinds.find((kind) => id.startsWith(`${kind}_`)) ?? 'none';
}

function results(simulation: Simulation): readonly Result[] {
  const { identity, boundary } = simulation.policies;
  return simulation.actions.flatMap((action) =>
    simulation.resources.map((resource) => {
      const { decision, matched } = evaluate({
        action,
        resources: [resource],
        context: simulation.context,
        identityPolicies: identity,
        ...(boundary === undefined ? {} : { boundary }),
        scps: simulation.serviceControlPolicies,
      });
      const alone = (policy: { id: string; document: string }[]): boolean =>
        evaluate({ action, resources: [resource], context: simulation.context, identityPolicies: policy })
          .decision === 'allowed';
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: decision,
        MatchedStatements: matched.map((id) => ({ SourcePolicyId: id, SourcePolicyType: typeOf(id) })),
        MissingContextValues: [],
        ...(boundary === undefined
          ? {}
          : { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: alone([boundary]) } }),
        ...(simulation.serviceControlPolicies.length === 0
          ? {}
          : {
              OrganizationsDecisionDetail: {
                AllowedByOrganizations: alone([...simulation.serviceControlPolicies]),
              },
            }),
      };
    }),
  );
}

function principal({ account, views }: IamContext, arn: string): PrincipalPolicies {
  const name = keyOf(arn.slice(arn.lastIndexOf('/') + 1));
  const user = views.users.get(name);
  if (user !== undefined && account.userArn(user) === arn) {
    return policiesOfPrincipal(account, views, user);
  }
  const role = views.roles.get(name);
  if (role !== undefined && account.roleArn(role) === arn) {
    return policiesOfPrincipal(account, views, role);
  }
  const group = views.groups.get(name);
  if (group !== undefined && account.groupArn(group) === arn) {
    return policiesOfPrincipal(account, views, group);
  }
  if (!arn.startsWith(account.arn('').slice(0, -1))) {
    throw invalidInput(`Invalid Entity Arn: ${arn} does not clearly define entity type and name.`);
  }
  throw noSuchEntity(`The entity ${arn} cannot be found.`);
}

const keyed = (items: readonly Result[]): { readonly key: string; readonly result: Result }[] =>
  items.map((result, index) => ({ key: String(index).padStart(6, '0'), result }));

export const simulate: Handlers<Operations> = {
  SimulatePrincipalPolicy(context, input) {
    const arn = input.PolicySourceArn ?? '';
    const own = principal(context, arn);
    const [boundaryGiven] = sources(input.PermissionsBoundaryPolicyInputList);
    const boundary = boundaryGiven ?? own.boundary;
    const all = results({
      policies: {
        identity: [...own.identity, ...sources(input.PolicyInputList)],
        ...(boundary === undefined ? {} : { boundary }),
      },
      serviceControlPolicies: context.serviceControlPolicies,
      actions: input.ActionNames ?? [],
      resources: input.ResourceArns ?? ['*'],
      context: {
        'aws:PrincipalArn': arn,
        'aws:username': arn.slice(arn.lastIndexOf('/') + 1),
        ...contextOf(input.ContextEntries),
      },
    });
    const { items, ...rest } = page([listed(keyed(all), ({ key }) => key)], input, context);
    return { EvaluationResults: items.map(({ result }) => result), ...rest };
  },

  SimulateCustomPolicy(context, input) {
    const [boundary] = sources(input.PermissionsBoundaryPolicyInputList);
    const all = results({
      policies: { identity: sources(input.PolicyInputList), ...(boundary === undefined ? {} : { boundary }) },
      serviceControlPolicies: [],
      actions: input.ActionNames ?? [],
      resources: input.ResourceArns ?? ['*'],
      context: contextOf(input.ContextEntries),
    });
    const { items, ...rest } = page([listed(keyed(all), ({ key }) => key)], input, context);
    return { EvaluationResults: items.map(({ result }) => result), ...rest };
  },
};
