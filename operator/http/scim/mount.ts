import type { Request } from 'express';
import type { Directories, Lists } from '../../../src/idhub/index.ts';
import {
  projection,
  listResponse,
  readBulk,
  readQuery,
  readSearch,
  readWanted,
  ScimError,
  type JsonObject,
  type ListQuery,
  type ResourceType,
} from '../../../src/scim/index.ts';
import type { Clock, Logger } from '../../runtime/index.ts';
import { routerOf, type Handler, type Mount, type Route, type Visit } from '../frame/index.ts';
import { accountEndpoint } from './accounts.ts';
import { conditionOf, sendAll, sendFound, sendJson, sendWritten } from './answer.ts';
import { answerBulk } from './bulk.ts';
import { resourceTypes, schemas, serviceProviderConfig } from './discovery.ts';
import type { Endpoint, Written } from './endpoint.ts';
import { entitlementEndpoint } from './entitlements.ts';
import { groupEndpoint } from './groups.ts';
import { problemOf } from './problems.ts';
import { Kinds, sceneOf, type Scene } from './scene.ts';

export interface ScimOptions {
  readonly directories: Directories;
  readonly lists: Pick<Lists, 'page'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

const path = '/scim/v2';
const mediaTypes = ['application/scim+json', 'application/json'];
const maxOperations = 100;
const maxBulkBytes = 4 * 1_048_576;
/** Of a group with every user that an account can have, as a client writes it. */
const maxBytes = 2 * 1_048_576;
/** A write waits 25 s for the controller. */
const answerMs = 40_000;
const bulkAnswerMs = 110_000;
/** As many as `Lists` gives. */
const maxResults = 20_000;

/** SCIM 2.0 (RFC 7643, 7644) for each connection, and `/Bulk`, which may take longer. */
export function scimMounts(options: ScimOptions): readonly Mount[] {
  const service = new Service(options);
  const shared = {
    perConnection: true,
    access: 'caller',
    format: 'scim',
    mediaTypes,
    leaderOnly: true,
    problemOf,
  } as const;
  return [
    {
      ...shared,
      name: 'scim',
      path,
      bodyLimit: maxBytes,
      answerMs,
      router: routerOf(service.routes()),
    },
    {
      ...shared,
      name: 'scim-bulk',
      path: `${path}/Bulk`,
      bodyLimit: maxBulkBytes,
      answerMs: bulkAnswerMs,
      router: routerOf([{ path: '/', POST: service.bulk }]),
    },
  ];
}

class Service {
  readonly #options: ScimOptions;
  readonly #kinds = new Kinds();
  readonly #endpoints: readonly Endpoint[];

  constructor(options: ScimOptions) {
    this.#options = options;
    this.#endpoints = [
      accountEndpoint(this.#kinds, '/Account', 'account'),
      accountEndpoint(this.#kinds, '/Users', 'user'),
      groupEndpoint(),
      entitlementEndpoint(),
    ];
  }

  routes(): readonly Route[] {
    const me: Handler = () => {
      throw new ScimError(501, 'Callers of this service are no resources of it.');
    };
    return [
      { path: '/', GET: this.#list(this.#endpoints, '', false) },
      { path: '/.search', POST: this.#list(this.#endpoints, '', true) },
      { path: '/Me', GET: me, POST: me, PUT: me, PATCH: me, DELETE: me },
      { path: '/ServiceProviderConfig', GET: this.#config },
      { path: '/ResourceTypes', GET: this.#discover((base, types) => resourceTypes(base, types)) },
      { path: '/ResourceTypes/:id', GET: this.#discoverOne((base, types) => resourceTypes(base, types)) },
      { path: '/Schemas', GET: this.#discover((base, types) => schemas(base, types)) },
      { path: '/Schemas/:id', GET: this.#discoverOne((base, types) => schemas(base, types)) },
      ...this.#endpoints.flatMap((endpoint) => this.#routesOf(endpoint)),
    ];
  }

  readonly bulk: Handler = async (request, response, visit) => {
    const { clock, logger } = this.#options;
    const read = readBulk(request.body, maxOperations);
    visit.note({ operations: read.operations.length });
    const scene = this.#scene(visit, visit.baseUrl.replace(/\/Bulk$/, ''));
    sendJson(response, 200, await answerBulk(read, { endpoints: this.#endpoints, scene, clock, logger }));
  };

  #routesOf(endpoint: Endpoint): readonly Route[] {
    const write =
      (act: (scene: Scene, request: Request) => Promise<Written>): Handler =>
      async (request, response, visit) => {
        const wanted = readWanted(request.query);
        const written = await act(this.#scene(visit), request);
        visit.note({ resource: endpoint.path, account: written.id });
        sendWritten(response, written, wanted);
      };
    return [
      {
        path: endpoint.path,
        GET: this.#list([endpoint], endpoint.path, false),
        POST: write((scene, { body }) => endpoint.create(scene, body)),
      },
      { path: `${endpoint.path}/.search`, POST: this.#list([endpoint], endpoint.path, true) },
      {
        path: `${endpoint.path}/:id`,
        GET: async (request, response, visit) => {
          const wanted = readWanted(request.query);
          sendFound(request, response, await endpoint.one(this.#scene(visit), idOf(request)), wanted);
        },
        PUT: write((scene, request) =>
          endpoint.replace(scene, idOf(request), request.body, conditionOf(request)),
        ),
        PATCH: write((scene, request) => {
          const { attributes, excludedAttributes } = readWanted(request.query);
          const told = attributes !== undefined || excludedAttributes !== undefined;
          return endpoint.patch(scene, idOf(request), request.body, conditionOf(request), told);
        }),
        DELETE: write((scene, request) => endpoint.remove(scene, idOf(request), conditionOf(request))),
      },
    ];
  }

  /** A page of all that some endpoints have. @param searched the query is the body */
  #list(endpoints: readonly Endpoint[], below: string, searched: boolean): Handler {
    return async (request, response, visit) => {
      const query: ListQuery = searched ? readSearch(request.body) : readQuery(request.query);
      if (searched) {
        visit.readsOnly();
      }
      const scene = this.#scene(visit);
      const page = await this.#options.lists.page({
        caller: visit.caller?.name ?? '',
        connection: visit.connection,
        address: `${scene.base}${below}`,
        query,
        signal: scene.signal,
        collections: () => Promise.all(endpoints.map((endpoint) => endpoint.all(scene))),
      });
      const shown = this.#shower(endpoints, scene, query);
      const resources = page.resources.map(shown);
      sendJson(
        response,
        200,
        listResponse({ ...page, resources: endpoints.length === 1 ? resources : resources.map(described) }),
      );
    };
  }

  /** What a client wants to see of resources of several types. */
  #shower(
    endpoints: readonly Endpoint[],
    scene: Scene,
    { wanted }: ListQuery,
  ): (resource: JsonObject) => JsonObject {
    const types = this.#types(scene, endpoints);
    const by = new Map(types.map((type) => [type.name, projection(type, wanted)]));
    return (resource) => {
      const { resourceType } = (resource['meta'] ?? {}) as JsonObject;
      const show = by.get(typeof resourceType === 'string' ? resourceType : '');
      if (show === undefined) {
        throw new Error('a resource of no type is in a list');
      }
      return show(resource);
    };
  }

  readonly #config: Handler = (_request, response, visit) => {
    sendJson(
      response,
      200,
      serviceProviderConfig(visit.baseUrl, { maxOperations, maxPayloadSize: maxBulkBytes, maxResults }),
    );
  };

  #discover(tell: (base: string, types: readonly ResourceType[]) => readonly JsonObject[]): Handler {
    return (request, response, visit) => {
      requireNoFilter(request);
      const scene = this.#scene(visit);
      sendAll(response, tell(scene.base, this.#types(scene, this.#endpoints)));
    };
  }

  #discoverOne(tell: (base: string, types: readonly ResourceType[]) => readonly JsonObject[]): Handler {
    return (request, response, visit) => {
      const scene = this.#scene(visit);
      const id = idOf(request);
      const found = tell(scene.base, this.#types(scene, this.#endpoints)).find((each) => each['id'] === id);
      if (found === undefined) {
        throw new ScimError(404, 'There is nothing of this name.');
      }
      sendJson(response, 200, found);
    };
  }

  /** Attributes are those of the connection, whatever AWS is like. */
  #types({ directory }: Scene, endpoints: readonly Endpoint[]): readonly ResourceType[] {
    const { schema } = directory.latest();
    return endpoints.map((endpoint) => endpoint.type(schema));
  }

  #scene(visit: Visit, base = visit.baseUrl): Scene {
    return sceneOf(this.#options.directories, visit, base);
  }
}

/**
 * Without what no schema can list, as the vendor's `used as`: whoever asks for all types goes by the schemas, and such
 * clients refuse a whole list for one name with a blank (RFC 7643, 2.1).
 */
function described(resource: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !name.includes(' ')));
}

/** Of discovery, filters are refused (RFC 7644, 4). @throws {ScimError} 403 */
function requireNoFilter({ query }: Request): void {
  if (Object.keys(query).some((name) => name.toLowerCase() === 'filter')) {
    throw new ScimError(403, 'Here nothing can be filtered.');
  }
}

function idOf({ params }: Request): string {
  return String(params['id']);
}
