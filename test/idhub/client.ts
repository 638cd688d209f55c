/** What IDHub has of an account of the application. */
export interface IdhubAccount {
  readonly id: string;
  readonly userName: string;
  readonly active: boolean;
  readonly entitlements: readonly {
    readonly value: string;
    readonly display?: string;
    readonly type?: string;
  }[];
  readonly [attribute: string]: unknown;
}

export interface IdhubEntitlement {
  readonly id: string;
  readonly displayName: string;
  readonly entitlementArn: string;
  readonly type: string;
}

export interface Answer<T = Readonly<Record<string, unknown>>> {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: T;
}

const scimType = 'application/scim+json';
const accountUrn = 'urn:sath:params:scim:schemas:core:1.0:Account';
const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const pageSize = 100;

/** An answer with an error, where IDHub had counted on none. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;

  constructor(request: string, { status, body }: Answer<unknown>) {
    super(`${request}: ${status} ${JSON.stringify(body)?.slice(0, 500)}`);
    this.status = status;
  }
}

/** The requests that IDHub sends to a connector: by the protocol's documents, with as little of SCIM as IDHub may live on. */
export class IdhubClient {
  readonly #base: string;
  readonly #authorization: () => Promise<string> | string;

  /** @param options.authorization of each request, anew */
  constructor(options: { readonly base: string; readonly authorization: () => Promise<string> | string }) {
    this.#base = options.base;
    this.#authorization = options.authorization;
  }

  async send<T = Readonly<Record<string, unknown>>>(
    method: string,
    path: string,
    body?: object,
    type = scimType,
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        authorization: await this.#authorization(),
        accept: type,
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    };
  }

  /** One of `/connector/health`, `/connector/test`, `/connector/metadata`. */
  connector(what: 'health' | 'test' | 'metadata'): Promise<Answer> {
    return this.send('GET', `/connector/${what}`, undefined, 'application/json');
  }

  /**
   * Everything of one type, page by page, without a filter, as an old connector has to be read.
   * @throws {RefusedError} nobody may be missing, so a page that does not come ends it
   */
  async pull<T>(type: 'Account' | 'Entitlement'): Promise<readonly T[]> {
    const found: T[] = [];
    for (;;) {
      const path = `/scim/v2/${type}?startIndex=${found.length + 1}&count=${pageSize}`;
      const answer = await this.send<{ totalResults: number; Resources?: T[] }>('GET', path);
      if (answer.status !== 200) {
        throw new RefusedError(`GET ${path}`, answer);
      }
      const page = answer.body.Resources ?? [];
      found.push(...page);
      if (found.length >= answer.body.totalResults) {
        return found;
      }
      if (page.length === 0) {
        throw new Error(`${found.length} of ${answer.body.totalResults} came`);
      }
    }
  }

  account(id: string): Promise<Answer<IdhubAccount>> {
    return this.send('GET', `/scim/v2/Account/${id}`);
  }

  create(account: object): Promise<Answer<IdhubAccount>> {
    return this.send('POST', '/scim/v2/Account', { schemas: [accountUrn], ...account });
  }

  /** PUT of the whole account with some of it changed: all that an old connector has. */
  async replace(id: string, change: object): Promise<Answer<IdhubAccount>> {
    const { body } = await this.account(id);
    return this.send('PUT', `/scim/v2/Account/${id}`, { ...body, ...change });
  }

  patch(id: string, ...operations: readonly object[]): Promise<Answer<IdhubAccount>> {
    return this.send('PATCH', `/scim/v2/Account/${id}`, { schemas: [patchUrn], Operations: operations });
  }

  remove(id: string): Promise<Answer> {
    return this.send('DELETE', `/scim/v2/Account/${id}`);
  }

  /** One operation, or several, to the webhook. */
  operations(body: object): Promise<Answer> {
    return this.send('POST', '/webhook/v1/operations', body, 'application/json');
  }
}
