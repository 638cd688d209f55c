import { stringify } from 'yaml';

/** A kubeconfig with one cluster, one user known by a bearer token, and one context. */
export function tokenKubeconfig(options: {
  readonly server: string;
  /** PEM certificates, base64 as a kubeconfig holds them; empty: the machine's trusted roots. */
  readonly caData: string;
  readonly user: string;
  readonly token: string;
  readonly namespace?: string;
}): string {
  const { server, caData, user, token, namespace } = options;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'cluster',
        cluster: { server, ...(caData === '' ? {} : { 'certificate-authority-data': caData }) },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [
      {
        name: 'default',
        context: { cluster: 'cluster', user, ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
    'current-context': 'default',
  });
}
