export { isFinished } from './memory.ts';
