import { Gauge, type Registry } from 'prom-client';

export function createDefinitionsMetric(registry: Registry): Gauge<'crd'> {
  return new Gauge({
    name: 'idhub_crd_outdated',
    help: '1 where a CRD is not served, or lacks what this version needs, else 0; none before the API server has said.',
    labelNames: ['crd'],
    registers: [registry],
  });
}
