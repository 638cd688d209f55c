import type { Secret } from '../../../../operator/controllers/names.ts';
import { ApiError, type Client, type ObjectKey } from '../../../../operator/runtime/index.ts';

/** Secrets of a cluster, with what an API server makes of writes to them. */
export class FakeSecrets {
  readonly secrets = new Map<string, Secret>();
  /** Asked before each write; what it answers is thrown. */
  refuse: (what: string) => Error | undefined = () => undefined;
  readonly #written: (what: string) => void;
  #version = 0;

  constructor(written: (what: string) => void) {
    this.#written = written;
  }

  put(
    name: string,
    data: Readonly<Record<string, string>>,
    metadata: Partial<Secret['metadata']> = {},
  ): void {
    this.#version += 1;
    const encoded = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    this.secrets.set(name, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: 'ns',
        uid: `s-${this.#version}`,
        resourceVersion: String(this.#version),
        ...metadata,
      },
      data: encoded,
    });
  }

  /** What is in a Secret, in the clear; undefined where there is none. */
  data(name: string): Readonly<Record<string, string>> | undefined {
    const data = this.secrets.get(name)?.data;
    return data === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        );
  }

  readonly get: Client['get'] = async (_type, { name }) => this.#found(name) as never;

  readonly create: Client['create'] = async (_type, object) => {
    const { name } = object.metadata;
    this.#check(`create ${name}`);
    if (this.secrets.has(name)) {
      throw new ApiError({ code: 409, reason: 'AlreadyExists', message: `${name} exists` });
    }
    this.#version += 1;
    const metadata = {
      ...object.metadata,
      uid: `s-${this.#version}`,
      resourceVersion: String(this.#version),
    };
    this.secrets.set(name, { ...(object as Secret), metadata });
    this.#written(`create ${name}`);
    return { ...object, metadata };
  };

  async mergePatch(
    { name }: ObjectKey,
    patch: { metadata?: Secret['metadata']; data?: object },
  ): Promise<Secret> {
    this.#check(`patch ${name}`);
    const object = this.#found(name);
    if (patch.metadata?.resourceVersion !== object.metadata.resourceVersion) {
      throw new ApiError({ code: 409, reason: 'Conflict', message: `${name} has changed` });
    }
    this.#version += 1;
    const merged = (before: object, after: object = {}): object =>
      Object.fromEntries(Object.entries({ ...before, ...after }).filter(([, value]) => value !== null));
    const secret = {
      ...object,
      metadata: {
        ...(merged(object.metadata, patch.metadata) as Secret['metadata']),
        annotations: merged(object.metadata.annotations ?? {}, patch.metadata?.annotations) as Record<
          string,
          string
        >,
        resourceVersion: String(this.#version),
      },
      data: merged(object.data ?? {}, patch.data) as Record<string, string>,
    };
    this.secrets.set(name, secret);
    this.#written(`patch ${name}`);
    return secret;
  }

  readonly delete: Client['delete'] = async (_type, { name }) => {
    this.#check(`delete ${name}`);
    this.#found(name);
    this.secrets.delete(name);
    this.#written(`delete ${name}`);
  };

  #check(what: string): void {
    const error = this.refuse(what);
    if (error !== undefined) {
      throw error;
    }
  }

  #found(name: string): Secret {
    const secret = this.secrets.get(name);
    if (secret === undefined) {
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${name} not found` });
    }
    return secret;
  }
}
