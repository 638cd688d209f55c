export {
  defaultUserQuotas,
  readAccountFacts,
  readCaller,
  type AccountFacts,
  type Caller,
  type UserQuotas,
} from './contact.ts';
export { AdaptivePacer } from './pacer.ts';
export { trailPacers } from './shared-pacers.ts';
export {
  formatInZone,
  partitionOf,
  resolveSettings,
  timeZoneOf,
  type Settings,
  type SettingsInput,
  type SettingsProblem,
} from './settings.ts';
