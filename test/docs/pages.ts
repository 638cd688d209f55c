import type { Page, Run } from './commands.ts';

const chart = 'test/chart/install.cluster.ts';
const elsewhere = (begins: string, test: string, why: string): Run => ({ begins, elsewhere: { test, why } });
const plain = (...begins: readonly string[]): readonly Run[] => begins.map((each) => ({ begins: each }));
/**
 * Every command that the pages tell people to type, in the order of the pages and of what they leave behind for the next
 * ones: first an installation, at last its end.
 */
export const pages: readonly Page[] = [
  {
    page: 'docs/quick-start.md',
    runs: [
      elsewhere('npm run image', 'test/image/image.process.ts', 'needs a registry of images'),
      { begins: 'helm install' },
      elsewhere('kubectl rollout status', chart, 'needs a node'),
      {
        begins: 'kubectl apply -f examples/00-namespace.yaml',
        given: 'an operator',
        replace: {
          ACCESS_KEY_ID: '$ACCESS_KEY_ID',
          SECRET_ACCESS_KEY: '$SECRET_ACCESS_KEY',
          '  userName: idhub-connector\n':
            '  userName: idhub-connector\n  endpoints: { iam: SIMULATED_AWS, sts: SIMULATED_AWS, cloudtrail: SIMULATED_AWS }\n',
        },
      },
      { begins: 'kubectl describe awsconn aws' },
      { begins: 'kubectl apply -f examples/35-observe.yaml', given: 'a user to look at', says: /^Enabled$/m },
      { begins: 'kubectl apply -f examples/30-joiner.yaml', says: /ReadOnlyAccess/ },
      { begins: 'kubectl patch awsacc lena-brandt' },
      elsewhere(
        'kubectl delete awsacc --all -n idhub-demo',
        'test/docs/commands.cluster.ts',
        'as in operations.md',
      ),
      elsewhere('npm run cluster -- up', 'test/docs/by-hand.cluster.ts', 'has a control plane of its own'),
      elsewhere('eval', 'test/docs/by-hand.cluster.ts', 'has a control plane of its own'),
      elsewhere('eval', 'test/docs/by-hand.cluster.ts', 'has a control plane of its own'),
      { begins: 'kubectl explain awsaccount.spec', says: /userName/ },
      { begins: 'kubectl apply --dry-run=server', fails: true, says: /Invalid value/ },
    ],
  },
  {
    page: 'README.md',
    runs: [
      elsewhere('npm run demo', 'test/docs/demo.cluster.ts', 'has a control plane of its own'),
      elsewhere('npm test', 'scripts/test.ts', 'is what runs this'),
      { begins: 'kubectl get awsconn,awsacc' },
    ],
  },
  {
    page: 'CONTRIBUTING.md',
    runs: [elsewhere('CLUSTER=kind', chart, 'is this suite, on another cluster')],
  },
  {
    page: 'docs/image.md',
    runs: [elsewhere('npm run image', 'test/image/image.process.ts', 'builds an image')],
  },
  {
    page: 'docs/benchmarks.md',
    runs: [elsewhere('npm run bench', 'test/bench/bench.cluster.ts', 'takes long with numbers as large')],
  },
  { page: 'docs/http.md', runs: [{ begins: 'kubectl create secret generic idhub-callers' }] },
  {
    page: 'docs/idhub.md',
    runs: [
      { begins: 'helm upgrade', replace: { NAMESPACE: 'idhub-demo' }, says: /has been upgraded/ },
      ...['curl -u idhub', "curl -u idhub:PASSWORD 'https", 'kubectl apply -n NAMESPACE'].map((begins) =>
        elsewhere(
          begins,
          'test/examples/idhub.cluster.ts',
          'runs these steps of the page, one after the other',
        ),
      ),
      elsewhere('curl', 'test/keycloak/tenant.ts', 'asks a real Keycloak for the same token'),
      {
        begins: 'npm run -s import-env',
        given: 'an .env',
        replace: { '-- .env': '-- "$DOT_ENV"', '-f -': '--dry-run=server -f -' },
      },
    ],
  },
  {
    page: 'docs/kinds/awsaccount.md',
    runs: [
      ...plain('kubectl get awsacc', 'kubectl get awsbind'),
      elsewhere(
        'kubectl delete --cascade=foreground',
        'test/e2e/entitlements.cluster.ts',
        'needs an account to delete',
      ),
    ],
  },
  {
    page: 'docs/kinds/awsconnection.md',
    runs: [
      { begins: 'kubectl get awsconn' },
      {
        begins: 'kubectl annotate awsacc NAME',
        replace: { 'awsacc NAME': 'awsacc lena-brandt', 'awsconn NAME': 'awsconn aws' },
      },
      { begins: 'kubectl get awsacc -l', replace: { NAME: 'legacy-backup' } },
      { begins: 'kubectl get awsrecon -l', given: 'a schedule' },
    ],
  },
  { page: 'docs/kinds/awsentitlementbinding.md', runs: plain('kubectl get awsbind') },
  {
    page: 'docs/kinds/awsreconciliation.md',
    runs: [
      { begins: 'kubectl get awsrecon', given: 'a run and its reader' },
      elsewhere(
        'kubectl annotate awsrecon <name>',
        'test/examples/reconciliation.cluster.ts',
        'needs a run that stopped',
      ),
      {
        begins: 'kubectl port-forward',
        replace: { '-n team': '-n idhub-demo', '/team/': '/idhub-demo/' },
        says: /"end":true/,
      },
    ],
  },
  { page: 'docs/reasons.md', runs: [{ begins: 'kubectl get idhub -A', says: /awsaccount/ }] },
  {
    page: 'docs/push.md',
    runs: [
      { begins: 'kubectl create secret generic push-keys' },
      { begins: 'kubectl delete secret', replace: { NAMESPACE: 'idhub-demo' } },
    ],
  },
  {
    page: 'docs/reconciliation.md',
    runs: [
      ...Array.from({ length: 6 }, () => 'kubectl apply -f -'),
      'kubectl get awsrecon',
      'token=',
      'kubectl create serviceaccount auditor',
      'kubectl patch awsconn aws',
    ].map((begins) =>
      elsewhere(
        begins,
        'test/examples/reconciliation.cluster.ts',
        'runs the whole page, with what happens in AWS',
      ),
    ),
  },
  {
    page: 'docs/webhook.md',
    runs: [
      {
        begins: 'curl -u idhub:PASSWORD https://connector.example.com:7002/webhook/v1/operations',
        given: 'the password of IDHub',
        replace: { 'idhub:PASSWORD': '"idhub:$CALLER"' },
        says: /"status":\s*"done"/,
      },
      {
        begins: 'curl -u idhub:PASSWORD https://connector.example.com:7002/webhook/v1/reconciliations',
        replace: { 'idhub:PASSWORD': '"idhub:$CALLER"' },
        says: /"name":/,
      },
    ],
  },
  {
    page: 'docs/operations.md',
    runs: [
      { begins: 'kubectl describe awsconn NAME', replace: { NAME: 'aws' }, says: /Reason: +Verified/ },
      elsewhere('kubectl logs', chart, 'needs a pod'),
      ...plain(
        'kubectl apply --server-side --force-conflicts -f crds/',
        'kubectl get awsacc -A -o wide',
        'kubectl get awsbind -A -o wide',
        'kubectl get lease idhub-aws-connector',
        'kubectl get pods',
      ),
      elsewhere(
        'kubectl describe certificate',
        'test/chart/accept.cluster.ts',
        'needs the kinds of cert-manager',
      ),
      ...plain('kubectl get configmap'),
      { begins: 'helm upgrade', says: /has been upgraded/ },
      elsewhere('kubectl rollout status', chart, 'needs a node'),
      { begins: 'helm history', says: /superseded[^]*Rollback was a success/ },
      { begins: 'umask 077', given: 'no object that is not Ready' },
      { begins: 'for namespace in', given: 'a rebuilt cluster', says: /has been upgraded/ },
      {
        begins: 'kubectl wait awsconn,awsacc,awsbind',
        replace: { '=10m': '=1m' },
        given: 'an operator',
        says: /lena-brandt condition met/,
        holds: 'nothing was written to AWS',
      },
      { begins: 'kubectl get idhub -A', says: /awsaccount/ },
      { begins: 'kubectl get awsacc -A -o custom-columns=NS', last: true },
      { begins: 'kubectl delete awsacc --all -A', last: true },
      { begins: 'helm uninstall', given: 'the end of the operator', last: true },
      {
        begins: 'kubectl patch awsacc NAME',
        replace: { 'NAME -n NAMESPACE': 'legacy-backup -n idhub-demo' },
      },
      { begins: 'kubectl get idhub -A', says: /awsconnection/ },
      { begins: 'kubectl annotate awsacc NAME aws.idhub.io/disabled-by', replace: { NAME: 'lena-brandt' } },
      { begins: 'kubectl get lease', says: /holderIdentity/ },
      {
        begins: 'kubectl annotate awsacc NAME -n NAMESPACE aws.idhub.io/abandon',
        replace: { 'NAME -n NAMESPACE': 'legacy-backup -n idhub-demo' },
      },
      { begins: 'kubectl annotate awsconn NAME aws.idhub.io/paused', replace: { NAME: 'aws' } },
      { begins: 'kubectl describe awsconn NAME', replace: { NAME: 'aws' } },
      { begins: 'kubectl get awsrecon', given: 'no pause', replace: { NAMESPACE: 'idhub-demo' } },
      elsewhere(
        'kubectl annotate awsrecon RUN',
        'test/examples/reconciliation.cluster.ts',
        'needs a run that stopped',
      ),
      { begins: 'kubectl annotate awsacc NAME aws.idhub.io/disabled-by', replace: { NAME: 'lena-brandt' } },
      { begins: 'kubectl get lease' },
      { begins: 'kubectl get awsacc -A -o custom-columns' },
      {
        begins: 'kubectl annotate awsacc NAME -n NAMESPACE aws.idhub.io/undo-',
        replace: { 'NAME -n NAMESPACE': 'lena-brandt -n idhub-demo' },
      },
      { begins: 'kubectl annotate awsconn NAME', replace: { 'NAME -n NAMESPACE': 'aws -n idhub-demo' } },
    ],
  },
  {
    page: 'charts/idhub-aws-connector/README.md',
    runs: [{ begins: 'helm install' }, elsewhere('kubectl scale', chart, 'needs pods')],
  },
];
