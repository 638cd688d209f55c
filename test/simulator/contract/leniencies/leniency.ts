/** Where a reference is known to be not as AWS is: exactly what it does, and what settles it. */
export interface Leniency {
  readonly step: string;
  /** As in `Difference.at`. */
  readonly at: string;
  /** What the reference does, exactly; the suite fails when it does so no longer. */
  readonly reference: unknown;
  /** What AWS does, and the simulator with it; undefined: the member is absent. */
  readonly aws: unknown;
  /** The page of AWS that says so; where none does, a report of what AWS answered. */
  readonly source: string;
}

/** What a reference does, and what AWS does. */
type Pair = readonly [reference: unknown, aws: unknown];

/** Leniencies that one page settles: of whole outcomes by step, and of single values by step and place. */
export function settledBy(
  source: string,
  outcomes: Readonly<Record<string, Pair>>,
  values: Readonly<Record<string, Readonly<Record<string, Pair>>>> = {},
): Leniency[] {
  return [
    ...Object.entries(outcomes).map(([step, [reference, aws]]) => ({
      step,
      at: 'outcome',
      reference,
      aws,
      source,
    })),
    ...Object.entries(values).flatMap(([step, places]) =>
      Object.entries(places).map(([at, [reference, aws]]) => ({ step, at, reference, aws, source })),
    ),
  ];
}

const documentation = 'https://docs.aws.amazon.com';

/** A page of the IAM API reference, by the name of an operation or data type. */
export const iamApi = (name: string): string => `${documentation}/IAM/latest/APIReference/API_${name}.html`;
export const stsApi = (name: string): string => `${documentation}/STS/latest/APIReference/API_${name}.html`;
export const organizationsApi = (name: string): string =>
  `${documentation}/organizations/latest/APIReference/API_${name}.html`;
export const cloudTrailApi = (name: string): string =>
  `${documentation}/awscloudtrail/latest/APIReference/API_${name}.html`;
export const iamGuide = (page: string): string => `${documentation}/IAM/latest/UserGuide/${page}.html`;

export const succeeds = 'succeeds';
export const validationError = 'ValidationError 400';
export const alreadyExists = 'EntityAlreadyExistsException 409';
export const deleteConflict = 'DeleteConflictException 409';
export const limitExceeded = 'LimitExceededException 409';
export const noSuchEntity = 'NoSuchEntityException 404';
