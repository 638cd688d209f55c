import { createHash } from 'node:crypto';
import type { Client, Clock, KubeObject, ObjectKey, ResourceType } from '../../runtime/index.ts';
import { Expiring } from '../frame/index.ts';

/** The audience that tokens for this port are made for; one for the API server opens nothing here, and the other way round. */
export const audience = 'idhub-aws-connector';

/** How long a verdict is believed: a token that was taken back opens for this long at most. */
const positiveMs = 60_000;
const negativeMs = 5_000;
const maxRemembered = 2_000;

/** Who asks, as the API server knows them. */
export interface KubernetesUser {
  readonly name: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Who may read reports. Both reject as `Client` does where the API server gives no verdict. */
export interface Access {
  /** @returns who the token stands for; undefined where it stands for nobody */
  authenticate(token: string, signal: AbortSignal): Promise<KubernetesUser | undefined>;
  /** Whether somebody may read the report of a run, whether or not there is one. */
  mayReadReport(caller: KubernetesUser, run: ObjectKey, signal: AbortSignal): Promise<boolean>;
}

/** `authentication.k8s.io/v1` TokenReview, as far as it is needed. */
interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

const tokenReviewType: ResourceType<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};

/** `authorization.k8s.io/v1` SubjectAccessReview, as far as it is needed. */
interface SubjectAccessReview extends KubeObject {
  readonly spec: {
    readonly user: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
    readonly resourceAttributes: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

const subjectAccessReviewType: ResourceType<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

export interface KubernetesAccessOptions {
  /** One that may create reviews without leading: they change nothing. */
  readonly client: Client;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Asks the API server who a token stands for (TokenReview) and what they may do (SubjectAccessReview:
 * `get` on `awsreconciliations/report`). A yes is believed for 60 s, a no for 5 s; tokens themselves are not kept.
 */
export class KubernetesAccess implements Access {
  readonly #client: Client;
  readonly #callers: Expiring<KubernetesUser | 'nobody'>;
  readonly #verdicts: Expiring<boolean>;

  constructor({ client, clock }: KubernetesAccessOptions) {
    this.#client = client;
    this.#callers = new Expiring({ clock, limit: maxRemembered });
    this.#verdicts = new Expiring({ clock, limit: maxRemembered });
  }

  async authenticate(token: string, signal: AbortSignal): Promise<KubernetesUser | undefined> {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#callers.get(digest);
    if (known !== undefined) {
      return known === 'nobody' ? undefined : known;
    }
    const { status } = await this.#client.create(
      tokenReviewType,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: { name: '' },
        spec: { token, audiences: [audience] },
      },
      { signal },
    );
    const name = status?.user?.username ?? '';
    // A server that knows nothing of audiences leaves them out, and has not looked whom the token is for.
    const good = status?.authenticated === true && status.audiences?.includes(audience) === true;
    if (!good || name === '') {
      this.#callers.set(digest, 'nobody', negativeMs);
      return undefined;
    }
    const { uid, groups = [], extra = {} } = status.user ?? {};
    const caller = { name, uid, groups, extra };
    this.#callers.set(digest, caller, positiveMs);
    return caller;
  }

  async mayReadReport(caller: KubernetesUser, run: ObjectKey, signal: AbortSignal): Promise<boolean> {
    const digest = createHash('sha256')
      .update(JSON.stringify([caller, run.namespace, run.name]))
      .digest('base64');
    const known = this.#verdicts.get(digest);
    if (known !== undefined) {
      return known;
    }
    const { name: user, uid, groups, extra } = caller;
    const { status } = await this.#client.create(
      subjectAccessReviewType,
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: { name: '' },
        spec: {
          user,
          ...(uid === undefined ? {} : { uid }),
          groups,
          extra,
          resourceAttributes: {
            verb: 'get',
            group: 'aws.idhub.io',
            version: 'v1alpha1',
            resource: 'awsreconciliations',
            subresource: 'report',
            namespace: run.namespace,
            name: run.name,
          },
        },
      },
      { signal },
    );
    const may = status?.allowed === true && status.denied !== true;
    this.#verdicts.set(digest, may, may ? positiveMs : negativeMs);
    return may;
  }
}
