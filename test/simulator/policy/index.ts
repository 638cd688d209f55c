export { evaluate, type PolicyDocumentSource } from './evaluate.ts';
export { iamRequest } from './requests.ts';
export { validateDocument } from './validate.ts';
