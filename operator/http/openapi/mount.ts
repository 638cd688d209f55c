import { routerOf, type Mount } from '../frame/index.ts';
import { openApiDocument } from './document.ts';

/** `GET /openapi.json`: what there is on this port. For anybody: it holds nothing of the installation. */
export function openApiMount({ version }: { readonly version: string }): Mount {
  const text = `${JSON.stringify(openApiDocument({ version }))}\n`;
  return {
    name: 'openapi',
    path: '/openapi.json',
    perConnection: false,
    access: 'open',
    format: 'problem+json',
    bodyLimit: 0,
    mediaTypes: [],
    leaderOnly: false,
    router: routerOf([
      {
        path: '/',
        GET: (_request, response) => {
          response.status(200).type('application/json').send(text);
        },
      },
    ]),
  };
}
