/** One sample of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads an exposition in the Prometheus text format; what is no sample is left out. */
export function parseMetrics(text: string): readonly Sample[] {
  return text.split('\n').flatMap((each) => {
    const [, name, labels = '', value] = line.exec(each) ?? [];
    return name === undefined
      ? []
      : [
          {
            name,
            labels: Object.fromEntries(
              Array.from(labels.matchAll(label), ([, key, written]) => [key, written] as const),
            ),
            value: Number(value),
          },
        ];
  });
}

/** The sum of the samples of that name whose labels fit; 0 where there is none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

const writing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);

/**
 * Writes that the API server has answered, refused ones included, by verb and resource, for what the
 * operator writes: its own kinds with their status, and Secrets. Events are not among them, nor is the
 * Lease, which a benchmark's operator does not take. What others write counts too, so take the difference
 * of two moments between which only the operator writes.
 */
export function apiServerWrites(samples: readonly Sample[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    const { verb = '', group, resource = '', subresource = '' } = labels;
    const ours = group === 'aws.idhub.io' || (group === '' && resource === 'secrets');
    if (name === 'apiserver_request_total' && writing.has(verb) && ours) {
      const what = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
      counts.set(what, (counts.get(what) ?? 0) + value);
    }
  }
  return counts;
}

/** What was counted between two moments; without what did not grow. */
export function growth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    Array.from(after, ([what, count]) => [what, count - (before.get(what) ?? 0)] as const).filter(
      ([, count]) => count > 0,
    ),
  );
}
