import { createHash } from 'node:crypto';
import type { Partition } from '../types.ts';
import type { ManagedPolicy } from './entities.ts';

const allow = (actions: readonly string[], extra: object = {}): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: '*', ...extra }],
  });

const readOnly = (...services: readonly string[]): string =>
  allow(services.flatMap((service) => [`${service}:Describe*`, `${service}:Get*`, `${service}:List*`]));

/**
 * A part of the AWS-managed catalogue: path, name, default version, document. Names, paths and effects are AWS's
 * (AWS managed policy reference); long action lists are shortened, since only their IAM part is ever evaluated here.
 */
const CATALOGUE: readonly (readonly [path: string, name: string, version: number, document: string])[] = [
  ['/', 'AdministratorAccess', 1, allow(['*'])],
  [
    '/',
    'PowerUserAccess',
    6,
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
        {
          Effect: 'Allow',
          Action: [
            'account:GetAccountInformation',
            'account:GetPrimaryEmail',
            'account:ListRegions',
            'iam:CreateServiceLinkedRole',
            'iam:DeleteServiceLinkedRole',
            'iam:ListRoles',
            'organizations:DescribeOrganization',
          ],
          Resource: '*',
        },
      ],
    }),
  ],
  ['/', 'ReadOnlyAccess', 130, readOnly('iam', 'sts', 'organizations', 'cloudtrail', 's3', 'ec2')],
  [
    '/',
    'IAMFullAccess',
    2,
    allow([
      'iam:*',
      'organizations:DescribeAccount',
      'organizations:DescribeOrganization',
      'organizations:ListPolicies',
      'organizations:ListPoliciesForTarget',
      'organizations:ListRoots',
    ]),
  ],
  [
    '/',
    'IAMReadOnlyAccess',
    4,
    allow([
      'iam:GenerateCredentialReport',
      'iam:GenerateServiceLastAccessedDetails',
      'iam:Get*',
      'iam:List*',
      'iam:SimulateCustomPolicy',
      'iam:SimulatePrincipalPolicy',
    ]),
  ],
  [
    '/',
    'IAMUserChangePassword',
    2,
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['iam:ChangePassword'],
          Resource: ['arn:*:iam::*:user/${aws:username}'],
        },
        { Effect: 'Allow', Action: ['iam:GetAccountPasswordPolicy'], Resource: '*' },
      ],
    }),
  ],
  [
    '/',
    'IAMUserSSHKeys',
    1,
    allow(
      [
        'iam:DeleteSSHPublicKey',
        'iam:GetSSHPublicKey',
        'iam:ListSSHPublicKeys',
        'iam:UpdateSSHPublicKey',
        'iam:UploadSSHPublicKey',
      ],
      { Resource: 'arn:*:iam::*:user/${aws:username}' },
    ),
  ],
  [
    '/',
    'IAMSelfManageServiceSpecificCredentials',
    1,
    allow(
      [
        'iam:CreateServiceSpecificCredential',
        'iam:DeleteServiceSpecificCredential',
        'iam:ListServiceSpecificCredentials',
        'iam:ResetServiceSpecificCredential',
        'iam:UpdateServiceSpecificCredential',
      ],
      { Resource: 'arn:*:iam::*:user/${aws:username}' },
    ),
  ],
  [
    '/',
    'AWSDenyAll',
    3,
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Sid: 'DenyAll', Effect: 'Deny', Action: ['*'], Resource: '*' }],
    }),
  ],
  ['/', 'SecurityAudit', 100, readOnly('iam', 'cloudtrail', 'organizations')],
  ['/', 'AmazonS3FullAccess', 2, allow(['s3:*', 's3-object-lambda:*'])],
  ['/', 'AmazonS3ReadOnlyAccess', 3, readOnly('s3', 's3-object-lambda')],
  [
    '/',
    'AmazonEC2FullAccess',
    5,
    allow(['ec2:*', 'elasticloadbalancing:*', 'cloudwatch:*', 'autoscaling:*']),
  ],
  ['/', 'AmazonEC2ReadOnlyAccess', 2, readOnly('ec2', 'elasticloadbalancing', 'autoscaling')],
  ['/', 'AmazonDynamoDBFullAccess', 15, allow(['dynamodb:*', 'dax:*'])],
  ['/', 'AmazonDynamoDBReadOnlyAccess', 14, readOnly('dynamodb', 'dax')],
  ['/', 'AmazonRDSFullAccess', 15, allow(['rds:*'])],
  ['/', 'AmazonRDSReadOnlyAccess', 6, readOnly('rds')],
  ['/', 'AmazonSQSFullAccess', 1, allow(['sqs:*'])],
  ['/', 'AmazonSNSFullAccess', 1, allow(['sns:*'])],
  ['/', 'AmazonVPCFullAccess', 12, allow(['ec2:*'])],
  ['/', 'AmazonVPCReadOnlyAccess', 11, readOnly('ec2')],
  ['/', 'CloudWatchFullAccess', 5, allow(['cloudwatch:*', 'logs:*', 'sns:*'])],
  ['/', 'CloudWatchReadOnlyAccess', 10, readOnly('cloudwatch', 'logs')],
  ['/', 'AWSCloudTrail_ReadOnlyAccess', 2, readOnly('cloudtrail')],
  ['/', 'AWSCloudTrail_FullAccess', 1, allow(['cloudtrail:*'])],
  ['/', 'AWSCodeCommitPowerUser', 15, allow(['codecommit:*'])],
  ['/', 'AWSOrganizationsReadOnlyAccess', 5, readOnly('organizations')],
  ['/', 'AWSOrganizationsFullAccess', 5, allow(['organizations:*'])],
  ['/job-function/', 'Billing', 12, allow(['aws-portal:*', 'budgets:*', 'billing:*'])],
  [
    '/job-function/',
    'DatabaseAdministrator',
    3,
    allow(['rds:*', 'dynamodb:*', 'iam:ListRoles', 'iam:GetRole']),
  ],
  ['/job-function/', 'DataScientist', 9, allow(['sagemaker:*', 's3:*', 'iam:ListRoles', 'iam:GetRole'])],
  ['/job-function/', 'NetworkAdministrator', 15, allow(['ec2:*', 'route53:*', 'iam:ListRoles'])],
  ['/job-function/', 'SupportUser', 9, allow(['support:*', 'iam:Get*', 'iam:List*'])],
  ['/job-function/', 'SystemAdministrator', 8, allow(['ec2:*', 'rds:*', 'iam:Get*', 'iam:List*'])],
  [
    '/job-function/',
    'ViewOnlyAccess',
    22,
    allow(['iam:List*', 'iam:GetAccountSummary', 'iam:GetLoginProfile', 'ec2:Describe*', 's3:List*']),
  ],
  [
    '/service-role/',
    'AWSLambdaBasicExecutionRole',
    1,
    allow(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']),
  ],
  [
    '/service-role/',
    'AWSLambdaVPCAccessExecutionRole',
    4,
    allow(['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', 'ec2:DescribeNetworkInterfaces']),
  ],
  [
    '/service-role/',
    'AmazonECSTaskExecutionRolePolicy',
    1,
    allow(['ecr:GetAuthorizationToken', 'ecr:BatchGetImage']),
  ],
  ['/service-role/', 'AmazonEC2RoleforSSM', 8, allow(['ssm:*'])],
  ['/service-role/', 'AWSConfigRole', 5, readOnly('config', 'iam', 'ec2')],
  ['/aws-service-role/', 'AWSSupportServiceRolePolicy', 40, readOnly('iam', 'ec2')],
];

/** Made in 2015, as most of the catalogue was. */
const CREATED = Date.UTC(2015, 1, 6, 18, 39, 46);

/** AWS-managed policies of a partition by ARN. Unique ids are the same in every process. */
export function managedPolicies(partition: Partition): ReadonlyMap<string, ManagedPolicy> {
  return new Map(
    CATALOGUE.map(([path, name, version, document]) => {
      const arn = `arn:${partition}:iam::aws:policy${path}${name}`;
      const policy: ManagedPolicy = {
        id: `ANPA${createHash('sha256')
          .update(path + name)
          .digest('hex')
          .toUpperCase()
          .replaceAll(/[018-9]/g, 'Z')
          .slice(0, 17)}`,
        arn,
        name,
        path,
        createdAt: CREATED,
        updatedAt: CREATED,
        versions: [{ id: `v${version}`, document, createdAt: CREATED }],
        defaultVersion: `v${version}`,
        nextVersion: version + 1,
        tags: [],
      };
      return [arn, policy];
    }),
  );
}
