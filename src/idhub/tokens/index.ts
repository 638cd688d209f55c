export type { HttpAnswer, HttpRequest, SendHttp } from './http.ts';
export type { ResourceAttributes } from './info.ts';
export {
  IdhubConnection,
  type IdhubLink,
  type LinkOutcome,
  type LinkReport,
  type LinkRequest,
  type LinkSecret,
  type LinkState,
} from './link.ts';
export { idhubEntries, readSettings } from './settings.ts';
