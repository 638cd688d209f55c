import { accountScenarios } from './cases/account.ts';
import { credentialScenarios } from './cases/credentials.ts';
import { deleteConflictScenarios } from './cases/delete-conflicts.ts';
import { groupScenarios } from './cases/groups.ts';
import { cloudTrailScenario, otherScenarios } from './cases/others.ts';
import { policyScenarios } from './cases/policies.ts';
import { boundaryScenario, userScenarios } from './cases/users.ts';
import type { Scenario } from './types.ts';

/** What moto is asked. */
export const motoScenarios: readonly Scenario[] = [
  ...userScenarios,
  ...groupScenarios,
  ...policyScenarios,
  ...credentialScenarios,
  ...deleteConflictScenarios,
  ...accountScenarios,
  ...otherScenarios,
];

/** What ministack knows and moto does not: writes of boundaries, conflicts on deletion, the event history. */
export const ministackScenarios: readonly Scenario[] = [
  boundaryScenario,
  ...deleteConflictScenarios,
  cloudTrailScenario,
];
