/**
 * Suites that take about a minute or more, the longest first. jest goes by its own timings once it has some; where it
 * has none, as in CI, it goes by the size of the file, so that one of these might come last and run alone.
 */
export const longSuites: readonly string[] = [
  'test/chart/install.cluster.ts',
  'test/bench/bench.cluster.ts',
  'test/docs/demo.cluster.ts',
  'test/e2e/keycloak.cluster.ts',
  'test/e2e/onboarding.cluster.ts',
  'test/cluster/node/node.cluster.ts',
  'test/e2e/restart.cluster.ts',
  'test/e2e/restore.cluster.ts',
  'test/e2e/apiserver.cluster.ts',
  'test/e2e/chaos.cluster.ts',
  'test/e2e/fuzz.cluster.ts',
  'test/cluster/controlplane.cluster.ts',
  'test/image/image.process.ts',
];

export interface KnownSuite {
  /** From the root of the repository. */
  readonly name: string;
  /** jest knows how long it took. */
  readonly timed: boolean;
  /** The last time. */
  readonly failed: boolean;
}

/** Long suites that have no time come after those that failed and before all others; the rest stays as it is. Pure. */
export function longFirst<T>(sorted: readonly T[], about: (suite: T) => KnownSuite): T[] {
  const place = (suite: T): number => {
    const { name, timed, failed } = about(suite);
    const known = longSuites.indexOf(name);
    return failed ? -1 : timed || known < 0 ? longSuites.length : known;
  };
  return sorted.toSorted((a, b) => place(a) - place(b));
}
