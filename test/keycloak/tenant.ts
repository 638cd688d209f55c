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

/** Step 3 of the guide: an access token and an offline token by the service account's password. */
export async function offlineTokens(
  tenant: Tenant,
): Promise<{ readonly access: string; readonly refresh: string }> {
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
  return { access: answer.access_token, refresh: answer.refresh_token };
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
