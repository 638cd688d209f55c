export { ConnectionTarget } from './target.ts';
