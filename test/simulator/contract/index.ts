export { pythonEnvironment } from './python.ts';
