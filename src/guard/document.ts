import { matches } from './glob.ts';

/** Where a policy is in force. */
export interface GuardPlace {
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** Twelve digits. */
  readonly accountId: string;
}

/** The policies of AWS that give away the account, by name; each has the path `/`. */
export const powers = ['AdministratorAccess', 'IAMFullAccess'] as const;
export type Power = (typeof powers)[number];

export function powerArn(power: Power, partition: string): string {
  return `arn:${partition}:iam::aws:policy/${power}`;
}

interface Statement {
  readonly actions: readonly string[];
  /** The actions are those that it does not speak of. */
  readonly inverted: boolean;
  readonly resources: readonly string[];
}

/**
 * Actions by each of which somebody becomes anybody, or gives somebody anything, by the kind of resource
 * that IAM asks for (Service Authorization Reference, "Actions, resources, and condition keys for AWS
 * IAM").
 */
const ofIam = {
  user: [
    'iam:AttachUserPolicy',
    'iam:PutUserPolicy',
    'iam:CreateAccessKey',
    'iam:CreateLoginProfile',
    'iam:UpdateLoginProfile',
  ],
  group: ['iam:AddUserToGroup', 'iam:AttachGroupPolicy', 'iam:PutGroupPolicy'],
  role: ['iam:UpdateAssumeRolePolicy', 'iam:AttachRolePolicy', 'iam:PutRolePolicy'],
  policy: ['iam:CreatePolicyVersion', 'iam:SetDefaultPolicyVersion'],
} as const;
/** Those by which somebody gives himself anything. */
const onOneself = ['iam:AttachUserPolicy', 'iam:PutUserPolicy'];
const ofOthers = [
  's3:GetObject',
  'ec2:RunInstances',
  'sts:AssumeRole',
  'kms:Decrypt',
  'lambda:InvokeFunction',
];
/** An action of IAM that there is not: only who speaks of all of IAM speaks of it. */
const anyOfIam = 'iam:AnyAction';

/**
 * The policy of AWS that a document amounts to: every action on every resource, or one action of IAM that
 * makes somebody anybody, on any user, group, role or policy (policies of oneself count too). Conditions
 * and Deny statements are not weighed: they can be written so that they change nothing. `NotAction` is
 * every action, unless it leaves out all of IAM; `NotResource` is every resource. Undefined where it is
 * neither, or where the text is no JSON.
 * @param text JSON, percent-encoded as IAM answers it or plain
 */
export function powerOf(text: string, { partition, accountId }: GuardPlace): Power | undefined {
  const statements = statementsOf(text);
  const allowed = (action: string, resource: string): boolean =>
    statements.some((each) => speaksOf(each, action) && covers(each.resources, resource));
  const anybody = (kind: string): string => `arn:${partition}:iam::${accountId}:${kind}/anybody`;
  const ofEach = Object.entries(ofIam).flatMap(([kind, actions]) =>
    actions.map((action) => allowed(action, anybody(kind))),
  );
  const others = [`arn:${partition}:s3:::anything`, `arn:${partition}:ec2:any-region-1::any/thing`];
  if (
    ofEach.every(Boolean) &&
    ofOthers.every((action) => others.every((resource) => allowed(action, resource)))
  ) {
    return 'AdministratorAccess';
  }
  const own = statements.some(
    (each) =>
      onOneself.some((action) => speaksOf(each, action)) &&
      covers(each.resources.map(withVariables), anybody('user')),
  );
  return own || ofEach.some(Boolean) ? 'IAMFullAccess' : undefined;
}

/** A variable such as `${aws:username}` stands for anybody: also for who has the policy. */
function withVariables(resource: string): string {
  return resource.replaceAll(/\$\{[^}]*\}/g, '*');
}

function speaksOf({ actions, inverted }: Statement, action: string): boolean {
  return inverted ? !covers(actions, anyOfIam) || !covers(actions, action) : covers(actions, action);
}

function covers(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text));
}

function statementsOf(text: string): readonly Statement[] {
  const { Statement: given } = parsed(text);
  return list(given).flatMap((each) => {
    const statement = isObject(each) ? each : {};
    if (statement['Effect'] !== 'Allow') {
      return [];
    }
    const inverted = statement['NotAction'] !== undefined;
    return [
      {
        inverted,
        actions: strings(statement[inverted ? 'NotAction' : 'Action']),
        resources: statement['NotResource'] === undefined ? strings(statement['Resource']) : ['*'],
      },
    ];
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.trimStart().startsWith('%') ? decodeURIComponent(text) : text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function strings(value: unknown): readonly string[] {
  return list(value).filter((each) => typeof each === 'string');
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
