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

/** With these somebody can become anybody: whoever has them all on everything has IAM. */
const ofIam = [
  'iam:CreateAccessKey',
  'iam:CreatePolicyVersion',
  'iam:CreateUser',
  'iam:AttachUserPolicy',
  'iam:PutUserPolicy',
  'iam:UpdateAssumeRolePolicy',
];
const ofOthers = [
  's3:GetObject',
  'ec2:RunInstances',
  'sts:AssumeRole',
  'kms:Decrypt',
  'lambda:InvokeFunction',
];

/**
 * The policy of AWS that a document amounts to: every action on every resource, or all of IAM on every
 * resource. Conditions and Deny statements are not weighed: they can be written so that they change
 * nothing. `NotAction` is every action, unless it leaves out all of IAM; `NotResource` is every resource.
 * Undefined where it is neither, or where the text is no JSON.
 * @param text JSON, percent-encoded as IAM answers it or plain
 */
export function powerOf(text: string, { partition, accountId }: GuardPlace): Power | undefined {
  const things = ['user', 'role', 'group', 'policy'].map(
    (kind) => `arn:${partition}:iam::${accountId}:${kind}/anybody`,
  );
  const everything = [
    ...things,
    `arn:${partition}:s3:::anything`,
    `arn:${partition}:ec2:any-region-1::any/thing`,
  ];
  const statements = statementsOf(text);
  const allowed = (actions: readonly string[], resources: readonly string[]): boolean =>
    actions.every((action) =>
      resources.every((resource) =>
        statements.some((each) => speaksOf(each, action) && covers(each.resources, resource)),
      ),
    );
  if (allowed([...ofIam, ...ofOthers], everything)) {
    return 'AdministratorAccess';
  }
  return allowed(ofIam, things) ? 'IAMFullAccess' : undefined;
}

function speaksOf({ actions, inverted }: Statement, action: string): boolean {
  if (!inverted) {
    return covers(actions, action);
  }
  return !ofIam.every((one) => covers(actions, one)) || !covers(actions, action);
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
