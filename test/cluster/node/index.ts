export { nodePaths } from './files.ts';
export {
  loadImage,
  LocalNode,
  nodeHealthy,
  removeNode,
  schedulerReady,
  type NodeComponentName,
  type RecordedNode,
} from './node.ts';
export { requireNode, thisMachine } from './requirements.ts';
export { ensureNodeTools, type NodeTools } from './tools.ts';
