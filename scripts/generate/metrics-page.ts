import type { Part, ProcessMetric } from './process-metrics.ts';

/** Words of help texts that lead to another page, since help is plain text: by metric, the word and its target. */
const links: Readonly<Record<string, readonly [string, string]>> = {
  idhub_crd_outdated: ['lacks what this version needs', 'operations.md#crds-of-another-version'],
  idhub_connection_ready: ['reason', 'reasons.md#awsconnection'],
  idhub_accounts: ['reason', 'reasons.md#awsaccount'],
  idhub_bindings: ['reason', 'reasons.md#awsentitlementbinding'],
  idhub_operations_total: ['Operations', 'webhook.md#operations'],
  idhub_http_shutouts_held_back_total: ['more than is done at once', 'http.md#limits'],
  idhub_push_requests_total: ['changes', 'push.md'],
  idhub_link_state: ['link to IDHub', 'idhub.md#how-it-stands'],
};

interface Section {
  readonly part: Part;
  readonly title: string;
  readonly text?: string;
}

const sections: readonly Section[] = [
  { part: 'product', title: 'Of the product' },
  {
    part: 'runtime',
    title: 'Of the runtime',
    text: 'Named and labelled as controller-runtime and client-go name theirs, so that their dashboards work.',
  },
  {
    part: 'process',
    title: 'Of the process',
    text: 'As prom-client has them on Linux, in its words.',
  },
];

/**
 * docs/metrics.md. Pure.
 * @throws {Error} where a word that leads somewhere is not in its metric's help, or its metric is not there
 */
export function metricsPage(metrics: readonly ProcessMetric[]): string {
  const lost = Object.keys(links).filter((name) => !metrics.some((metric) => metric.name === name));
  if (lost.length > 0) {
    throw new Error(`no such metric: ${lost.join(', ')}`);
  }
  return [
    '# Metrics',
    '',
    '<!-- Written by npm run generate from the metrics that the process registers. Do not edit. -->',
    '',
    'Served at `/metrics` of `--metrics-address`. Label sets are closed: no names of users, no messages. ' +
      '`connection` is `namespace/name`; what is told of a connection goes with it.',
    ...sections.flatMap((section) => sectionOf(section, metrics)),
    '',
    '## Buckets of histograms',
    '',
    'Upper bounds, in seconds; the last bucket of each has none.',
    '',
    '| Metric | Buckets |',
    '|---|---|',
    ...metrics
      .filter(({ kind }) => kind === 'histogram')
      .map(({ name, buckets }) => `| \`${name}\` | ${buckets.join(', ')} |`),
    '',
  ].join('\n');
}

function sectionOf({ part, title, text }: Section, metrics: readonly ProcessMetric[]): readonly string[] {
  const rows = metrics.filter((metric) => metric.part === part).map(rowOf);
  const words = text === undefined ? [] : ['', text];
  return [
    '',
    `## ${title}`,
    ...words,
    '',
    '| Metric | Kind | Labels | Meaning |',
    '|---|---|---|---|',
    ...rows,
  ];
}

function rowOf({ name, kind, labels, values, help }: ProcessMetric): string {
  const [word, target] = links[name] ?? [];
  if (word !== undefined && !help.includes(word)) {
    throw new Error(`the help of ${name} does not say "${word}"`);
  }
  let meaning = help.replaceAll(/--[a-z-]+/g, '`$&`');
  for (const [label, each] of Object.entries(values)) {
    const words = each.map((value) => new RegExp(`(?<![\\w-])${value}(?![\\w-])`));
    if (words.every((pattern) => pattern.test(meaning))) {
      meaning = words.reduce((text, pattern) => text.replace(pattern, '`$&`'), meaning);
    } else {
      meaning += ` \`${label}\` is ${listed(each.map((value) => `\`${value}\``))}.`;
    }
  }
  if (word !== undefined) {
    meaning = meaning.replace(word, `[${word}](${target})`);
  }
  const shown = labels.length === 0 ? '' : `${labels.map((label) => `\`${label}\``).join(', ')} `;
  return `| \`${name}\` | ${kind} | ${shown}| ${meaning.replaceAll('|', '\\|')} |`;
}

/** "a", "a or b", "a, b or c". */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
