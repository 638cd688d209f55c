export type {
  AccountDump,
  AccountOptions,
  CallCounts,
  CloudTrailOptions,
  Control,
  FaultSpec,
  FaultState,
  OrganizationMember,
  OrganizationOptions,
  Partition,
  Quotas,
  RateLimit,
  RunningSimulator,
  ServiceControlPolicy,
  Settings,
  SimulatedAccount,
  SimulatorOptions,
  UserDump,
  WriteRecord,
} from './types.ts';
export { SimulatorControl } from './control-client.ts';
export { startSimulator } from './server.ts';
export { CERTIFICATES, sshPublicKey } from './fixtures.ts';
