import { eventually, type StartedProcess } from '../support/process.ts';
import type { World } from '../e2e/world.ts';
import { IdhubClient } from './client.ts';
import type { StandInIssuer } from './issuer.ts';
import { startIdhubServer, type IdhubServer } from './server.ts';

const realm = 'alpha';
const audience = 'AWS-connector';
const basic = { user: 'idhub', password: 'a-password-of-a-test' };

/** IDHub on this machine, and what an operator needs so that the two know each other. */
export interface IdhubStage {
  readonly server: IdhubServer;
  /** Flags of the operator. */
  readonly flags: readonly string[];
  /** For the operator's namespace; to be applied before it starts. */
  readonly secrets: readonly object[];
  /** What IDHub sends its requests with. */
  clients(operator: StartedProcess): Promise<{ readonly basic: IdhubClient; readonly bearer: IdhubClient }>;
}

/** @param options.name of what is made in the operator's namespace, which others may share */
export async function stageIdhub(options: {
  readonly systemNamespace: string;
  readonly namespace: string;
  readonly connection: string;
  readonly name: string;
}): Promise<IdhubStage> {
  const { systemNamespace, namespace, connection, name } = options;
  const server = await startIdhubServer({ keycloakPort: undefined, realm: 'IDHub' });
  const issuer = server.issuer as StandInIssuer;
  const secret = (suffix: string, stringData: Readonly<Record<string, string>>): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: systemNamespace, name: `${name}-${suffix}` },
    stringData,
  });
  return {
    server,
    flags: [
      `--default-connection=${namespace}/${connection}`,
      `--http-auth-secret=${name}-callers`,
      `--oidc-issuer=${issuer.issuerOf(realm)}`,
      `--oidc-audience=${audience}`,
      `--idhub-secret=${name}-tokens`,
      '--business-owner=Jerome',
      '--it-owner=Jerome',
      // A list that is older than this is none: the stale check must not wait for half an hour.
      '--list-max-age=5s',
    ],
    secrets: [
      secret('callers', {
        'basic.idhub': `${basic.user}:${basic.password}`,
        // Those with a token of Keycloak.
        'connections.oidc': '*',
      }),
      secret('tokens', {
        hostname: server.url,
        realm,
        clientId: 'AWS-connector',
        refreshToken: issuer.offlineToken(),
      }),
    ],
    clients: async (operator) => {
      const line = await operator.line((each) => each.includes('webhook and reports'));
      const base = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
      const encoded = Buffer.from(`${basic.user}:${basic.password}`).toString('base64');
      return {
        basic: new IdhubClient({ base, authorization: () => `Basic ${encoded}` }),
        bearer: new IdhubClient({
          base,
          authorization: async () => `Bearer ${await issuer.token(realm, { azp: 'idhub', aud: audience })}`,
        }),
      };
    },
  };
}

/** Waits until the connector answers lists: the account has been read once. */
export async function untilListed(client: IdhubClient): Promise<void> {
  await eventually(
    async () => ((await client.send('GET', '/scim/v2/Account?count=1')).status === 200 ? true : undefined),
    { withinMs: 30_000, everyMs: 200, what: 'lists of the connector' },
  );
}

/** Removes what `stageIdhub` asked to be made. */
export async function strikeIdhub(stage: IdhubStage, world: Pick<World, 'kubectl'>): Promise<void> {
  await stage.server.close();
  for (const each of stage.secrets) {
    const { metadata } = each as { metadata: { namespace: string; name: string } };
    await world.kubectl(['delete', 'secret', metadata.name, '-n', metadata.namespace, '--ignore-not-found']);
  }
}
