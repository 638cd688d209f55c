import { stringify } from 'yaml';
import { variableOf } from '../../operator/config.ts';
import type { Plan } from './plan.ts';

export interface Places {
  /** Of the connection and its accounts. */
  readonly namespace: string;
  /** The operator's own. */
  readonly systemNamespace: string;
  /** Of the connection. */
  readonly name: string;
  /** Of the Secret of --idhub-secret. */
  readonly idhubSecret: string;
}

export const environmentName = 'idhub-aws-connector-environment';

/** The manifests as one YAML text: for `kubectl apply --server-side -f -`. */
export function manifestsOf(plan: Plan, places: Places): string {
  const { namespace, systemNamespace, name, idhubSecret } = places;
  const credentials = `${name}-credentials`;
  const documents: readonly (readonly [comment: string, object])[] = [
    [
      'The namespace of the connection.',
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ],
    ["The operator's own.", { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }],
    ['AWS_ACCESS_KEY and AWS_SECRET_ACCESS_KEY.', secret(namespace, credentials, plan.aws)],
    [
      plan.schema.length === 0
        ? 'The AWS account. The account schema is the one of the guide.'
        : 'The AWS account, with what ACCOUNT_SCHEMA has other than the guide.',
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsConnection',
        metadata: { name, namespace },
        spec: {
          credentials: { secretRef: { name: credentials } },
          ...(plan.schema.length === 0 ? {} : { schema: { attributes: plan.schema } }),
        },
      },
    ],
    [
      'IDHUB_HOSTNAME and KEYCLOAK_*. The operator keeps new refresh tokens in it, so apply it once and on the\n' +
        'server (--server-side): a second time that is refused, and does not put the old token back.',
      secret(systemNamespace, idhubSecret, plan.idhub),
    ],
    [
      "Flags of the operator as variables: let its container have them by envFrom (configMapRef), or put these\nvalues into the chart's.",
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: environmentName, namespace: systemNamespace },
        data: Object.fromEntries(
          // The vendor's connector speaks of one AWS account, and its paths name none.
          Object.entries({ ...plan.flags, 'default-connection': `${namespace}/${name}` }).map(
            ([flag, value]) => [variableOf(flag), value],
          ),
        ),
      },
    ],
  ];
  const seen = new Set<string>();
  return documents
    .map(([comment, document]) => `# ${comment.replaceAll('\n', '\n# ')}\n${stringify(document)}`)
    .filter(
      (each) => !each.includes('kind: Namespace') || (!seen.has(bodyOf(each)) && seen.add(bodyOf(each))),
    )
    .join('---\n');
}

/** Without its comment: both namespaces may be one. */
function bodyOf(document: string): string {
  return document.replaceAll(/^#.*\n/gm, '');
}

/** With `data`, not `stringData`: so the server knows who wrote which entry. */
function secret(namespace: string, name: string, values: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(values).map(([entry, value]) => [entry, Buffer.from(value, 'utf8').toString('base64')]),
    ),
  };
}
