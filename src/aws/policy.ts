import { operations, type Feature } from './operations.ts';

/** An IAM policy document as AWS takes it. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: 'Allow' | 'Deny';
    readonly Action: readonly string[] | string;
    readonly Resource: string;
  }[];
}

/** The features, in the order in which the documentation lists them. */
export const features: readonly Feature[] = [
  'connection',
  'accounts',
  'console',
  'access-keys',
  'entitlements',
  'disable',
  'delete',
  'incremental',
];

/**
 * The least that the communication user needs for these features. The resource is `*`: the product
 * may be asked to manage any user, some of the actions take no resource, and no partition is named.
 */
export function minimalPolicy(wanted: readonly Feature[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: wanted.map((feature) => ({
      Sid: `IDHub${feature.split('-').map(capital).join('')}`,
      Effect: 'Allow',
      Action: [
        ...new Set(
          Object.values(operations)
            .filter((operation) => (operation.features as readonly Feature[]).includes(feature))
            .flatMap((operation) => operation.actions as readonly string[]),
        ),
      ].sort(),
      Resource: '*',
    })),
  };
}

function capital(word: string): string {
  return `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`;
}
