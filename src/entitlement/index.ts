export { canonicalDocument, documentFingerprint, documentSize, inlinePolicy } from './document.ts';
