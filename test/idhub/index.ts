export { startIdhubServer, type IdhubServer, type IdhubServerOptions } from './server.ts';
