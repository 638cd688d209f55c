import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as iam from '@aws-sdk/client-iam';
import * as organizations from '@aws-sdk/client-organizations';
import * as sts from '@aws-sdk/client-sts';
import { NormalizedSchema } from '@smithy/core/schema';

export type Service = 'iam' | 'sts' | 'organizations' | 'cloudtrail';

/** One operation of an AWS API, as the SDK's run-time schemas describe it. */
export interface Operation {
  readonly service: Service;
  readonly name: string;
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
}

/** Kind of a static operation schema: `[9, namespace, name, traits, input, output]` (SDK, SCHEMAS.md). */
const OPERATION = 9;

function operationsOf(service: Service, module: object): readonly (readonly [string, Operation])[] {
  return Object.values(module).flatMap((exported: unknown) => {
    if (!Array.isArray(exported) || exported[0] !== OPERATION) {
      return [];
    }
    const name = String(exported[2]);
    const input = NormalizedSchema.of(exported[4] as never);
    const output = NormalizedSchema.of(exported[5] as never);
    return [[name, { service, name, input, output }] as const];
  });
}

const OPERATIONS: Readonly<Record<Service, ReadonlyMap<string, Operation>>> = {
  iam: new Map(operationsOf('iam', iam)),
  sts: new Map(operationsOf('sts', sts)),
  organizations: new Map(operationsOf('organizations', organizations)),
  cloudtrail: new Map(operationsOf('cloudtrail', cloudtrail)),
};

export function findOperation(service: Service, name: string): Operation | undefined {
  return OPERATIONS[service].get(name);
}
