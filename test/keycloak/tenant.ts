import { requestToken, type Keycloak } from './keycloak.ts';

export interface TenantOptions {
  /** Where IDHub and clients reach Keycloak, `/auth` included: tokens are issued in its name. */
  readonly url: string;
  readonly realm: string;
  /** Of IDHub itself, where the tenant's tokens are exchanged. */
  readonly idhubRealm: string;
  readonly tokenSeconds: number;
  /** Each refresh token is taken once. */
  readonly rotates: boolean;
}

export interface Tenant extends TenantOptions {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/**
 * A tenant's realm with client and service account as the vendor's guide makes them, and IDHub's realm, which
 * knows the tenant's and lets the client exchange tokens.
 */
export async function makeTenant(keycloak: Keycloak, options: TenantOptions): Promise<Tenant> {
  const { url, realm, idhubRealm, tokenSeconds, rotates } = options;
  const tenant = {
    ...options,
    clientId: 'AWS-connector',
    username: 'AWS-service-account',
    password: 'a-password-of-a-test',
  };
  await keycloak.admin('POST', '/realms', {
    realm,
    enabled: true,
    accessTokenLifespan: tokenSeconds,
    revokeRefreshToken: rotates,
    refreshTokenMaxReuse: 0,
  });
  // Step 1 of the guide: the client.
  await keycloak.admin('POST', `/realms/${realm}/clients`, {
    clientId: tenant.clientId,
    publicClient: true,
    directAccessGrantsEnabled: true,
    redirectUris: ['*'],
  });
  // Step 2: the service account, with the names that Keycloak wants of a user who signs in by password.
  await keycloak.admin('POST', `/realms/${realm}/users`, {
    username: tenant.username,
    enabled: true,
    email: 'aws-service-account@example.test',
    emailVerified: true,
    firstName: 'AWS',
    lastName: 'Connector',
    credentials: [{ type: 'password', value: tenant.password, temporary: false }],
  });
  await makeIdhubRealm(keycloak, { url, realm, idhubRealm, tokenSeconds, clientId: tenant.clientId });
  return tenant;
}

/** A confidential client by which IDHub signs in at the connector: its tokens are for `audience`, and live so long. */
export async function makeCaller(
  keycloak: Keycloak,
  tenant: Tenant,
  options: { readonly clientId: string; readonly audience: string; readonly tokenSeconds: number },
): Promise<{ readonly clientId: string; readonly secret: string; readonly token: () => Promise<string> }> {
  const { clientId, audience, tokenSeconds } = options;
  const secret = 'a-secret-of-a-test';
  await keycloak.admin('POST', `/realms/${tenant.realm}/clients`, {
    clientId,
    secret,
    publicClient: false,
    serviceAccountsEnabled: true,
    attributes: { 'access.token.lifespan': String(tokenSeconds) },
    protocolMappers: [
      {
        name: 'for the connector',
        protocol: 'openid-connect',
        protocolMapper: 'oidc-audience-mapper',
        config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
      },
    ],
  });
  const token = async (): Promise<string> => {
    const answer = await requestToken(tenant.url, tenant.realm, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: secret,
    });
    if (answer.access_token === undefined) {
      throw new Error(`no token: ${answer.status} ${answer.error} ${answer.error_description}`);
    }
    return answer.access_token;
  };
  return { clientId, secret, token };
}

/** From now on the realm signs with another key; those before are still published. */
export async function rotateKeys(keycloak: Keycloak, realm: string): Promise<void> {
  await keycloak.admin('POST', `/realms/${realm}/components`, {
    name: 'newer',
    providerId: 'rsa-generated',
    providerType: 'org.keycloak.keys.KeyProvider',
    config: {
      priority: ['200'],
      enabled: ['true'],
      active: ['true'],
      algorithm: ['RS256'],
      keySize: ['2048'],
    },
  });
}

/** Step 3 of the guide: an access token and an offline token by the service account's password. */
export async function offlineTokens(
  tenant: Tenant,
): Promise<{ readonly access: string; readonly refresh: string; readonly id: string }> {
  const answer = await requestToken(tenant.url, tenant.realm, {
    client_id: tenant.clientId,
    username: tenant.username,
    password: tenant.password,
    scope: 'openid offline_access',
    grant_type: 'password',
    request_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  if (answer.access_token === undefined || answer.refresh_token === undefined) {
    throw new Error(`no tokens: ${answer.status} ${answer.error} ${answer.error_description}`);
  }
  return { access: answer.access_token, refresh: answer.refresh_token, id: answer.id_token ?? '' };
}

/** What IDHub has on its own side: the tenant's realm as an identity provider, and who may exchange its tokens. */
async function makeIdhubRealm(
  keycloak: Keycloak,
  options: Pick<TenantOptions, 'url' | 'realm' | 'idhubRealm' | 'tokenSeconds'> & {
    readonly clientId: string;
  },
): Promise<void> {
  const { url, realm, idhubRealm, tokenSeconds, clientId } = options;
  const base = `/realms/${idhubRealm}`;
  const issuer = `${url}/realms/${realm}`;
  const endpoint = `${issuer}/protocol/openid-connect`;
  await keycloak.admin('POST', '/realms', {
    realm: idhubRealm,
    enabled: true,
    accessTokenLifespan: tokenSeconds,
  });
  await keycloak.admin('POST', `${base}/identity-provider/instances`, {
    alias: realm,
    providerId: 'keycloak-oidc',
    enabled: true,
    trustEmail: true,
    config: {
      issuer,
      authorizationUrl: `${endpoint}/auth`,
      tokenUrl: `${endpoint}/token`,
      userInfoUrl: `${endpoint}/userinfo`,
      jwksUrl: `${endpoint}/certs`,
      useJwksUrl: 'true',
      validateSignature: 'true',
      clientId: 'idhub-broker',
      clientSecret: 'a-secret-of-a-test',
      clientAuthMethod: 'client_secret_post',
      syncMode: 'IMPORT',
    },
  });
  await keycloak.admin('POST', `${base}/clients`, { clientId, publicClient: true });
  const idOf = async (name: string): Promise<string> => {
    const [client] = await keycloak.admin<{ id: string }[]>('GET', `${base}/clients?clientId=${name}`);
    return client?.id ?? '';
  };
  const permissions = await keycloak.admin<{ scopePermissions: Record<string, string> }>(
    'PUT',
    `${base}/identity-provider/instances/${realm}/management/permissions`,
    { enabled: true },
  );
  const server = `${base}/clients/${await idOf('realm-management')}/authz/resource-server`;
  const policy = await keycloak.admin<{ id: string }>('POST', `${server}/policy/client`, {
    name: 'the connector may exchange',
    clients: [await idOf(clientId)],
  });
  const scope = `${server}/permission/scope/${permissions.scopePermissions['token-exchange']}`;
  const permission = await keycloak.admin<object>('GET', scope);
  await keycloak.admin('PUT', scope, { ...permission, policies: [policy.id] });
}
