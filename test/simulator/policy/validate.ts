import { isConditionOperator } from './condition.ts';

type JsonObject = Readonly<Record<string, unknown>>;

const syntaxError = 'Syntax errors in policy.';
const topElements: ReadonlySet<string> = new Set(['Version', 'Id', 'Statement']);
const statementElements: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const partitions: ReadonlySet<string> = new Set([
  'aws',
  'aws-cn',
  'aws-us-gov',
  'aws-eusc',
  'aws-iso',
  'aws-iso-b',
  'aws-iso-e',
  'aws-iso-f',
]);
const iamResources: readonly string[] = [
  'user/',
  'federated-user/',
  'role/',
  'group/',
  'instance-profile/',
  'mfa/',
  'server-certificate/',
  'policy/',
  'sms-mfa/',
  'saml-provider/',
  'oidc-provider/',
  'report/',
  'access-report/',
];

/**
 * Checks an identity policy as IAM does when one is stored: the grammar of policies (IAM User Guide:
 * reference_policies_grammar) and the forms of actions and resources. Quotas on size are not its matter.
 *
 * @returns undefined when the document is fine, else the message of `MalformedPolicyDocument`.
 */
export function validateDocument(document: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(document);
  } catch {
    return syntaxError;
  }
  if (!isObject(json) || !isGrammatical(json)) {
    return syntaxError;
  }
  if (json['Version'] !== '2012-10-17') {
    return 'Policy document must be version 2012-10-17 or greater.';
  }
  const statements = many(json['Statement']).filter(isObject);
  // IAM reports the first check that fails, over all statements, in this order.
  for (const stage of [checkSids, checkActionsPresent, checkResources, checkActions, checkResourcesPresent]) {
    const problem = stage(statements);
    if (problem !== undefined) {
      return problem;
    }
  }
  return statements.some((statement) => 'Principal' in statement || 'NotPrincipal' in statement)
    ? 'Policy document should not specify a principal.'
    : undefined;
}

function isGrammatical(json: JsonObject): boolean {
  const { Version: version, Id: id, Statement: statement } = json;
  const statements = many(statement);
  return (
    hasOnly(json, topElements) &&
    [undefined, '2012-10-17', '2008-10-17'].some((known) => known === version) &&
    ['undefined', 'string'].includes(typeof id) &&
    statements.length > 0 &&
    statements.every(isGrammaticalStatement)
  );
}

function isGrammaticalStatement(statement: unknown): boolean {
  if (!isObject(statement)) {
    return false;
  }
  return (
    hasOnly(statement, statementElements) &&
    ['undefined', 'string'].includes(typeof statement['Sid']) &&
    (statement['Effect'] === 'Allow' || statement['Effect'] === 'Deny') &&
    !('Action' in statement && 'NotAction' in statement) &&
    !('Resource' in statement && 'NotResource' in statement) &&
    ['Action', 'NotAction', 'Resource', 'NotResource'].every((element) =>
      many(statement[element]).every((value) => typeof value === 'string'),
    ) &&
    isGrammaticalCondition(statement['Condition'])
  );
}

function isGrammaticalCondition(condition: unknown): boolean {
  return (
    condition === undefined ||
    (isObject(condition) &&
      Object.entries(condition).every(
        ([operator, keys]) =>
          isConditionOperator(operator) &&
          isObject(keys) &&
          Object.values(keys).every((values) =>
            many(values).every((value) => ['string', 'boolean', 'number'].includes(typeof value)),
          ),
      ))
  );
}

function checkSids(statements: readonly JsonObject[]): string | undefined {
  const sids = statements
    .map((statement) => statement['Sid'])
    .filter((sid) => typeof sid === 'string' && sid !== '');
  if (!sids.every((sid) => /^[0-9A-Za-z]*$/u.test(String(sid)))) {
    return 'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*';
  }
  return new Set(sids).size === sids.length
    ? undefined
    : 'Statement IDs (SID) in a single policy must be unique.';
}

const actionsOf = (statement: JsonObject): readonly string[] =>
  many(statement['Action'] ?? statement['NotAction']).map(String);

const resourcesOf = (statement: JsonObject): readonly string[] =>
  many(statement['Resource'] ?? statement['NotResource']).map(String);

function checkActionsPresent(statements: readonly JsonObject[]): string | undefined {
  return statements.every((statement) => actionsOf(statement).length > 0)
    ? undefined
    : 'Policy statement must contain actions.';
}

function checkResourcesPresent(statements: readonly JsonObject[]): string | undefined {
  return statements.every((statement) => resourcesOf(statement).length > 0)
    ? undefined
    : 'Policy statement must contain resources.';
}

function checkActions(statements: readonly JsonObject[]): string | undefined {
  return first([
    ...statements.flatMap(actionsOf).map(checkAction),
    ...statements.flatMap((statement) =>
      Object.values(isObject(statement['Condition']) ? statement['Condition'] : {})
        .filter(isObject)
        .flatMap(Object.keys)
        .map((key) => (key.includes(':') ? undefined : notPrefaced)),
    ),
  ]);
}

const notPrefaced = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.';

function checkAction(action: string): string | undefined {
  const [vendor = '', name, ...rest] = action.split(':');
  if (action === '*') {
    return undefined;
  }
  if (name === undefined) {
    return notPrefaced;
  }
  if (rest.length > 0) {
    return 'Actions/Condition can contain only one colon.';
  }
  return vendor === '*' || /^[A-Za-z0-9.-]+$/u.test(vendor) ? undefined : `Vendor ${vendor} is not valid`;
}

function checkResources(statements: readonly JsonObject[]): string | undefined {
  return first(statements.flatMap(resourcesOf).map(checkResource));
}

function checkResource(resource: string): string | undefined {
  if (resource === '*') {
    return undefined;
  }
  const [arn, partition = '', service, region = '', account = '', ...path] = resource.split(':');
  if (arn !== 'arn') {
    return `Resource ${resource} must be in ARN format or "*".`;
  }
  const name = path.join(':');
  if (partition !== '*' && !partitions.has(partition)) {
    const rest = [service, region, account, name].map((part) =>
      part === undefined || part === '' ? '*' : part,
    );
    return `Partition "${partition}" is not valid for resource "arn:${partition}:${rest.join(':')}".`;
  }
  if (service === undefined) {
    return 'Resource vendor must be fully qualified and cannot contain regexes.';
  }
  if (service !== 'iam') {
    return undefined;
  }
  if (region !== '') {
    return `IAM resource ${resource} cannot contain region information.`;
  }
  return name === '*' || iamResources.some((prefix) => name.startsWith(prefix))
    ? undefined
    : `IAM resource path must either be "*" or start with ${iamResources.join(', ')}.`;
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function many(value: unknown): readonly unknown[] {
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

function hasOnly(value: JsonObject, known: ReadonlySet<string>): boolean {
  return Object.keys(value).every((key) => known.has(key));
}
