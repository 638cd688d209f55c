export { readAccountFacts, readCaller, type AccountFacts, type Caller } from './contact.ts';
export { AdaptivePacer } from './pacer.ts';
export {
  formatInZone,
  partitionOf,
  resolveSettings,
  type Settings,
  type SettingsInput,
  type SettingsProblem,
} from './settings.ts';
