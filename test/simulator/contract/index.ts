export { referenceEnvironment } from './environment.ts';
