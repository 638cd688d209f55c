export { nodePaths } from './files.ts';
export { loadImage, LocalNode } from './node.ts';
export { requireNode, thisMachine } from './requirements.ts';
export { ensureNodeTools, type NodeTools } from './tools.ts';
