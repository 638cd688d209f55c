import { expect, test } from '@jest/globals';
import { parseInvocation } from '../../operator/config.ts';
import type { HttpConfig } from '../../operator/http-config.ts';

const host = { hostname: 'pod-0', pid: 7, version: '1.2.3' };

const oidc = ['--oidc-issuer=https://id.example.com/realms/a', '--oidc-audience=aws'];

test.each<[readonly string[], Partial<HttpConfig>]>([
  [['--http-auth-secret=callers'], { authSecret: 'callers' }],
  [
    oidc,
    {
      oidc: {
        issuer: 'https://id.example.com/realms/a',
        audiences: ['aws'],
        clients: undefined,
        jwksUrl: undefined,
        allowHttp: false,
      },
    },
  ],
  [
    [
      '--oidc-issuer=http://127.0.0.1:8080/realms/a',
      '--oidc-audience=aws, idhub',
      '--oidc-clients=idhub, entra',
      '--oidc-jwks-url=http://keycloak.idhub.svc/keys',
      '--oidc-allow-http',
    ],
    {
      oidc: {
        issuer: 'http://127.0.0.1:8080/realms/a',
        audiences: ['aws', 'idhub'],
        clients: ['idhub', 'entra'],
        jwksUrl: 'http://keycloak.idhub.svc/keys',
        allowHttp: true,
      },
    },
  ],
  [['--public-url=https://aws.example.com/idhub/'], { publicUrl: 'https://aws.example.com/idhub/' }],
  [['--trusted-proxies=10.0.0.0/8, ::1'], { trustedProxies: ['10.0.0.0/8', '::1'] }],
  [['--default-connection=team/aws.prod'], { defaultConnection: { namespace: 'team', name: 'aws.prod' } }],
  [['--http-caller-rate=1'], { callerRate: 1 }],
  [['--http-shutout-burst=0'], { shutoutBurst: 0 }],
  [['--advertise-address=10.0.0.7:7002'], { advertised: { host: '10.0.0.7', port: 7002 } }],
  [['--advertise-address=[fd00::7]:7002'], { advertised: { host: 'fd00::7', port: 7002 } }],
  [
    ['--tls-cert-file=/tls/tls.crt', '--tls-key-file=/tls/tls.key'],
    { tls: { certFile: '/tls/tls.crt', keyFile: '/tls/tls.key' } },
  ],
])('%j', (args, expected) => {
  const invocation = parseInvocation(args, {}, host);
  expect(invocation.kind === 'run' ? invocation.config.http : invocation).toMatchObject(expected);
});

test.each<[readonly string[], RegExp]>([
  [['--http-auth-secret=Not A Name'], /--http-auth-secret .* write the name of a Secret/],
  [['--oidc-issuer=http://id.example.com', '--oidc-audience=a'], /--oidc-issuer .* https address/],
  [['--oidc-issuer=id.example.com', '--oidc-audience=a'], /--oidc-issuer .* https address/],
  [['--oidc-issuer=https://a:b@id.example.com', '--oidc-audience=a'], /without user and password/],
  [['--oidc-issuer=file:///etc/passwd', '--oidc-audience=a'], /https address/],
  [['--oidc-issuer=http://127.0.0.1.evil.test', '--oidc-audience=a'], /https address/],
  [[...oidc, '--oidc-jwks-url=http://keycloak.idhub.svc/keys'], /--oidc-jwks-url .* https address/],
  [['--oidc-issuer=https://id.example.com'], /--oidc-audience .* open this port/],
  [['--oidc-issuer=https://id.example.com', '--oidc-audience= , '], /--oidc-audience .* open this port/],
  [[...oidc, '--oidc-clients=,'], /--oidc-clients .* any client may come in/],
  [['--oidc-clients=a'], /--oidc-clients .* goes with --oidc-issuer/],
  [['--oidc-audience=a'], /--oidc-audience .* goes with --oidc-issuer/],
  [['--oidc-jwks-url=https://id.example.com/k'], /--oidc-jwks-url .* goes with --oidc-issuer/],
  [['--public-url=aws.example.com'], /--public-url .* http or https/],
  [['--public-url=https://aws.example.com/?a=b'], /without query/],
  [['--trusted-proxies=10.0.0.0/33'], /--trusted-proxies .* more than 32 bits/],
  [['--trusted-proxies=ingress'], /"ingress" is no address/],
  [['--default-connection=aws'], /--default-connection .* NAMESPACE\/NAME/],
  [['--default-connection=team/aws/x'], /NAMESPACE\/NAME/],
  [['--http-caller-rate=0'], /--http-caller-rate .* from 1 to 10000/],
  [['--http-shutout-burst=-1'], /--http-shutout-burst/],
  [['--advertise-address=0.0.0.0:7002'], /--advertise-address .* HOST:PORT by which other replicas/],
  [['--advertise-address=10.0.0.7'], /--advertise-address .* HOST:PORT/],
  [['--advertise-address=10.0.0.7:0'], /--advertise-address .* HOST:PORT/],
  [['--advertise-address=:7002'], /--advertise-address .* HOST:PORT/],
  [['--tls-cert-file=/tls/tls.crt'], /--tls-key-file .* write both/],
  [['--tls-key-file=/tls/tls.key'], /--tls-cert-file .* write both/],
])('%j is refused', (args, says) => {
  const invocation = parseInvocation(args, {}, host);
  expect(invocation.kind === 'refuse' ? invocation.message : invocation).toMatch(says);
});
