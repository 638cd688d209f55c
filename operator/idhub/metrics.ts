import { Counter, Gauge, type Registry } from 'prom-client';
import type { LinkOutcome, LinkReport, LinkRequest, LinkState } from '../../src/idhub/index.ts';

const states: readonly LinkState[] = ['NOT_CONFIGURED', 'UP', 'DOWN', 'OUT_OF_SERVICE', 'UNKNOWN'];

/** Metrics of the link to IDHub. Label sets are closed. */
export function createLinkMetrics(options: {
  readonly registry: Registry;
  readonly report: () => LinkReport;
}): { readonly observe: (request: LinkRequest, outcome: LinkOutcome) => void } {
  const { registry, report } = options;
  const requests = new Counter({
    name: 'idhub_link_requests_total',
    help: 'Requests to Keycloak (refresh, login, credentials, exchange) and IDHub (target-system, info), and writes of a new refresh token (store), by what came of them.',
    labelNames: ['request', 'outcome'],
    registers: [registry],
  });
  const state = new Gauge({
    name: 'idhub_link_state',
    help: '1 for the state that the link to IDHub is in, 0 for the others; only the leader asks.',
    labelNames: ['state'],
    registers: [],
    collect() {
      for (const each of states) {
        this.set({ state: each }, report().state === each ? 1 : 0);
      }
    },
  });
  registry.registerMetric(state);
  return { observe: (request, outcome) => requests.inc({ request, outcome }) };
}
