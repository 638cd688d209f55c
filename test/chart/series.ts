import { processMetrics, type ProcessMetric } from '../../scripts/generate/process-metrics.ts';
import type { Matcher } from './promql.ts';

/** What Prometheus adds to the series of a pod that a ServiceMonitor finds. */
const targetLabels = ['namespace', 'pod', 'service', 'job', 'instance', 'container', 'endpoint'];

/** The series that Prometheus has of the operator's process. */
export class ProcessSeries {
  readonly #metrics: ReadonlyMap<string, ProcessMetric>;

  private constructor(metrics: readonly ProcessMetric[]) {
    this.#metrics = new Map(metrics.map((metric) => [metric.name, metric]));
  }

  static async read(): Promise<ProcessSeries> {
    return new ProcessSeries(await processMetrics());
  }

  /** The metric that has series of that name: those of a histogram have their ends. @throws {Error} where none has */
  metricOf(name: string): ProcessMetric {
    const plain = this.#metrics.get(name);
    const found = plain ?? this.#metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (found === undefined || (found.kind === 'histogram') === (plain !== undefined)) {
      throw new Error(`the process has no series ${name}`);
    }
    return found;
  }

  /** @throws {Error} where there are no series of that name */
  labelsOf(name: string): ReadonlySet<string> {
    const { labels } = this.metricOf(name);
    return new Set([...labels, ...(name.endsWith('_bucket') ? ['le'] : []), ...targetLabels]);
  }

  /** What a matcher asks for and the label never is, where its values are a closed set. */
  strangeValues(name: string, { label, operator, value }: Matcher): readonly string[] {
    const known = this.metricOf(name).values[label];
    const asked = operator.endsWith('~') ? value.split('|') : [value];
    const holds = (one: string): boolean =>
      label === 'code' ? /^[1-5]\d\d$/.test(one) : known === undefined || known.includes(one);
    return asked.filter((one) => !holds(one)).map((one) => `${name}{${label}="${one}"}`);
  }
}
