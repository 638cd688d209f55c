export { webhookMount, type WebhookMountOptions } from './mount.ts';
