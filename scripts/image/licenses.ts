/** A package of which a bundle has a file. */
export interface Licensed {
  /** `name@version` */
  readonly id: string;
  /** As its package.json has it; undefined where it has none. */
  readonly license: string | undefined;
  /** What its files LICENSE, NOTICE and the like say. */
  readonly texts: readonly string[];
}

/** Whether a file of a package says under which terms it is given. Pure. */
export function isLicenseFile(name: string): boolean {
  return /^(licen[cs]es?|notices?|copying|copyright)([-_.].*)?$/i.test(name) && !/\.[cm]?[jt]s$/i.test(name);
}

/**
 * The licenses of packages, each text once, under the names of those that have it. A package without a text of its own
 * is there with the name of its license. The same packages give the same text, in whatever order. Pure.
 */
export function licensesText(packages: readonly Licensed[]): string {
  const named = new Map(packages.map((each) => [each.id, each]));
  const byText = new Map<string, string[]>();
  for (const { id, texts } of [...named.values()].sort(byId)) {
    for (const text of texts.map((each) => each.replaceAll('\r\n', '\n').trim())) {
      byText.set(text, [...(byText.get(text) ?? []), id]);
    }
  }
  const all = [...named.values()]
    .sort(byId)
    .map(({ id, license = 'no license named' }) => `${id}: ${license}`);
  const parts = [...byText].map(([text, ids]) => `${ids.join('\n')}\n\n${text}`);
  return `${[`Packages in operator.mjs, and their licenses.\n\n${all.join('\n')}`, ...parts].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function byId(one: Licensed, other: Licensed): number {
  return one.id < other.id ? -1 : 1;
}
