export { GitOps } from './gitops.ts';
export { startIdhubServer, type IdhubServer, type IdhubServerOptions } from './server.ts';
export { stageIdhub, strikeIdhub, untilListed, type IdhubStage } from './stage.ts';
export { fillAws, IdhubStory, undeclared, type Teller } from './story.ts';
