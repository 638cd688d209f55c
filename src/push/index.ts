export { readPushAddress, type PushAddress } from './address.ts';
export { backoffMs, verdictOn, type Answer, type Verdict } from './answer.ts';
export {
  batchesOf,
  changesMessage,
  gapMessage,
  type Batch,
  type Gap,
  type NotificationSource,
} from './notification.ts';
export { HttpSender, type Sender } from './sender.ts';
export { readSigningKeys, signedHeaders, type Message, type SigningKeys } from './signature.ts';
