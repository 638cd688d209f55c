import { parseArgs } from 'node:util';
import { readPushConfig, type PushConfig } from './push-config.ts';
import { describeFlags, readDescribeConfig, type DescribeConfig } from './describe-config.ts';
import { httpFlags, readHttpConfig, type HttpConfig } from './http-config.ts';
import { isNamespaceName, isObjectName, type LogLevel } from './runtime/index.ts';

export interface Address {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
}

/** How the process was started. */
export interface Config {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** The operator's own namespace: its Lease and its ConfigMap are there. */
  readonly namespace: string;
  /** Undefined: all namespaces. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly installationId: string | undefined;
  readonly leaderElect: boolean;
  readonly identity: string;
  readonly metricsAddress: Address;
  /** Of the port for IDHub and for people. */
  readonly httpAddress: Address;
  readonly http: HttpConfig;
  readonly workers: number;
  readonly logLevel: LogLevel;
  readonly allowEndpointOverride: boolean;
  readonly snapshotIntervalMs: number;
  /** How old a reading may be that lists are made of. */
  readonly listMaxAgeMs: number;
  /** What a deletion that a client of the HTTP port asks for does to the IAM user. */
  readonly idhubDelete: 'Delete' | 'Disable';
  readonly gracePeriodMs: number;
  /** Most AWS calls a second for one connection. */
  readonly awsMaxRate: number;
  /** Name of a Secret in the operator's namespace: how IDHub is reached. */
  readonly idhubSecret: string | undefined;
  readonly describe: DescribeConfig;
  /** Between two looks at IDHub. */
  readonly idhubIntervalMs: number;
  /** Undefined: nobody is told of changes. */
  readonly push: PushConfig | undefined;
}

export type Invocation =
  | { readonly kind: 'run'; readonly config: Config }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refuse'; readonly message: string };

interface Flag {
  readonly type: 'string' | 'boolean';
  readonly value?: string;
  readonly fallback: string;
  readonly text: string;
}

const flags = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    fallback: '',
    text: 'kubeconfig to use; default the pod’s ServiceAccount, else $KUBECONFIG or ~/.kube/config',
  },
  context: {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: 'context of the kubeconfig; default its current one',
  },
  namespace: {
    type: 'string',
    value: 'NAME',
    fallback: 'idhub-system',
    text: "the operator's own namespace, for its Lease and its ConfigMap",
  },
  'watch-namespaces': {
    type: 'string',
    value: 'A,B',
    fallback: '',
    text: 'namespaces to look after; default all',
  },
  'installation-id': {
    type: 'string',
    value: 'ID',
    fallback: '',
    text: 'what marks IAM users as this installation’s; default the one in the ConfigMap idhub-aws-connector, made at first start. Give the old one to a rebuilt cluster',
  },
  'leader-elect': {
    type: 'boolean',
    fallback: 'true',
    text: 'write only while holding the Lease; --no-leader-elect for a single process',
  },
  identity: {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: 'name of this process in the Lease; default host name and process id',
  },
  'metrics-address': {
    type: 'string',
    value: 'HOST:PORT',
    fallback: '127.0.0.1:8080',
    text: 'where /metrics, /healthz and /readyz are served; port 0 for a free one',
  },
  'http-address': {
    type: 'string',
    value: 'HOST:PORT',
    fallback: '127.0.0.1:7002',
    text: 'where SCIM, the connector endpoints, the webhook and reports are served; port 0 for a free one',
  },
  ...httpFlags,
  workers: { type: 'string', value: 'N', fallback: '10', text: 'accounts worked on at once, 1 to 100' },
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    fallback: 'info',
    text: 'trace, debug, info, warn or error',
  },
  'allow-endpoint-override': {
    type: 'boolean',
    fallback: 'false',
    text: 'obey AwsConnection.spec.endpoints',
  },
  'snapshot-interval': {
    type: 'string',
    value: 'TIME',
    fallback: '10m',
    text: 'time between two readings of an AWS account, such as 90s or 10m; at least 1s',
  },
  'list-max-age': {
    type: 'string',
    value: 'TIME',
    fallback: '',
    text: 'how old a reading may be that lists for IDHub are made of; default three times --snapshot-interval',
  },
  'idhub-delete': {
    type: 'string',
    value: 'HOW',
    fallback: 'Delete',
    text: 'what a deletion that IDHub asks for does to the IAM user: Delete, or Disable to shut it out and let go of it',
  },
  'grace-period': {
    type: 'string',
    value: 'TIME',
    fallback: '25s',
    text: 'how long running work may go on after SIGTERM',
  },
  'aws-max-rate': {
    type: 'string',
    value: 'N',
    fallback: '100',
    text: 'most AWS calls a second for one connection; throttling lowers the rate by itself',
  },
  'idhub-secret': {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: "Secret in the operator's namespace that says where IDHub is and how to sign in there; default none, so that IDHub is not asked",
  },
  ...describeFlags,
  'idhub-interval': {
    type: 'string',
    value: 'TIME',
    fallback: '1m',
    text: 'time between two looks at IDHub, 1s to 10m',
  },
  'push-url': {
    type: 'string',
    value: 'URL',
    fallback: '',
    text: 'where changes that runs report are sent to; https, or http on the machine itself. Only with --push-secret',
  },
  'push-secret': {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: "Secret in the operator's namespace with the keys that sign what is sent. Only with --push-url",
  },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** The environment variable that stands for a flag. */
export function variableOf(flag: string): string {
  return `IDHUB_AWS_${flag.replaceAll('-', '_').toUpperCase()}`;
}

/** Reads flags, and the environment for flags that are not given. Pure. */
export function parseInvocation(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  host: { readonly hostname: string; readonly pid: number; readonly version: string },
): Invocation {
  const options: Record<string, { type: 'string' | 'boolean' }> = {
    help: { type: 'boolean' },
    version: { type: 'boolean' },
  };
  for (const [name, flag] of Object.entries(flags)) {
    options[name] = { type: flag.type };
  }
  let given: Record<string, string | boolean | undefined>;
  try {
    given = parseArgs({ args: [...args], options, allowNegative: true, strict: true }).values;
  } catch (error) {
    return { kind: 'refuse', message: `${(error as Error).message.split('\n')[0]} (see --help)` };
  }
  if (given['help'] === true) {
    return { kind: 'print', text: help() };
  }
  if (given['version'] === true) {
    return { kind: 'print', text: host.version };
  }
  const text = (name: FlagName): string =>
    String(given[name] ?? environment[variableOf(name)] ?? flags[name].fallback);
  const problems: string[] = [];
  const refuse = (name: FlagName, expected: string): void => {
    problems.push(`--${name} (or ${variableOf(name)}) is "${text(name)}"; ${expected}`);
  };
  const number = (name: FlagName, least: number, most: number): number => {
    const value = Number(text(name));
    if (!Number.isInteger(value) || value < least || value > most) {
      refuse(name, `write a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const boolean = (name: FlagName): boolean => {
    const value = text(name);
    if (value !== 'true' && value !== 'false') {
      refuse(name, 'write true or false');
    }
    return value === 'true';
  };
  const duration = (name: FlagName): number => {
    const match = /^(\d+)(ms|s|m|h)$/.exec(text(name));
    if (match === null) {
      refuse(name, 'write a time such as 500ms, 90s, 10m or 1h');
      return 0;
    }
    return (
      Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h']
    );
  };
  const address = (name: 'metrics-address' | 'http-address'): Address => {
    const match = /^(\[[^\]]+\]|[^:]*):(\d+)$/.exec(text(name));
    if (match === null || Number(match[2]) > 65_535) {
      refuse(
        name,
        `write HOST:PORT, for example 0.0.0.0:${(flags[name].fallback || flags['http-address'].fallback).split(':')[1]}`,
      );
    }
    return { host: match?.[1]?.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(match?.[2]) };
  };

  const level = text('log-level') as LogLevel;
  if (!levels.includes(level)) {
    refuse('log-level', `write one of ${levels.join(', ')}`);
  }
  const installation = text('installation-id');
  if (installation !== '' && !/^[a-z0-9][a-z0-9-]{0,62}$/.test(installation)) {
    refuse('installation-id', 'write 1 to 63 small letters, digits or -');
  }
  const namespaces = text('watch-namespaces')
    .split(',')
    .map((each) => each.trim());
  if (text('watch-namespaces') !== '' && !namespaces.every(isNamespaceName)) {
    refuse(
      'watch-namespaces',
      'write names of namespaces with commas between them, for example team-a,team-b',
    );
  }
  if (!isNamespaceName(text('namespace'))) {
    refuse('namespace', 'write the name of a namespace');
  }
  const idhubSecret = text('idhub-secret');
  if (idhubSecret !== '' && !isObjectName(idhubSecret)) {
    refuse('idhub-secret', 'write the name of a Secret');
  }
  const idhubIntervalMs = duration('idhub-interval');
  if (idhubIntervalMs < 1_000 || idhubIntervalMs > 600_000) {
    refuse('idhub-interval', 'write 1s to 10m');
  }
  const snapshotIntervalMs = duration('snapshot-interval');
  if (snapshotIntervalMs < 1_000) {
    refuse('snapshot-interval', 'write at least 1s');
  }
  const listMaxAgeMs = text('list-max-age') === '' ? 3 * snapshotIntervalMs : duration('list-max-age');
  if (listMaxAgeMs < snapshotIntervalMs) {
    refuse('list-max-age', 'write at least the time of --snapshot-interval');
  }
  const idhubDelete = text('idhub-delete');
  if (idhubDelete !== 'Delete' && idhubDelete !== 'Disable') {
    refuse('idhub-delete', 'write Delete or Disable');
  }
  const config: Config = {
    kubeconfig: text('kubeconfig') || undefined,
    context: text('context') || undefined,
    namespace: text('namespace'),
    watchNamespaces: text('watch-namespaces') === '' ? undefined : namespaces,
    installationId: installation || undefined,
    leaderElect: boolean('leader-elect'),
    identity: text('identity') || `${host.hostname}_${host.pid}`,
    metricsAddress: address('metrics-address'),
    httpAddress: address('http-address'),
    http: readHttpConfig({ text, boolean, number, refuse }),
    workers: number('workers', 1, 100),
    logLevel: level,
    allowEndpointOverride: boolean('allow-endpoint-override'),
    snapshotIntervalMs,
    listMaxAgeMs,
    idhubDelete: idhubDelete === 'Disable' ? 'Disable' : 'Delete',
    gracePeriodMs: duration('grace-period'),
    awsMaxRate: number('aws-max-rate', 1, 1_000),
    idhubSecret: idhubSecret || undefined,
    describe: readDescribeConfig(text, refuse),
    idhubIntervalMs,
    push: readPushConfig(
      { url: text('push-url'), secret: text('push-secret') },
      (flag) => `--${flag} (or ${variableOf(flag)})`,
      (sentence) => problems.push(sentence),
    ),
  };
  return problems.length > 0 ? { kind: 'refuse', message: problems.join('\n') } : { kind: 'run', config };
}

function help(): string {
  const rows = Object.entries(flags as Record<string, Flag>).map(([name, flag]) => {
    const left = `  --${name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
    const fallback = flag.fallback === '' ? '' : ` (default ${flag.fallback})`;
    return `${left.padEnd(31)} ${flag.text}${fallback}`;
  });
  return [
    'The AWS connector of IDHub: reconciles AwsConnection and AwsAccount objects with AWS IAM.',
    '',
    'Usage: operator [flags]',
    '',
    ...rows,
    '  --help                        this text',
    '  --version                     the version',
    '',
    'Each flag can also be given in the environment, --log-level as IDHUB_AWS_LOG_LEVEL.',
    'AWS credentials are never taken from the environment: they are in the Secret of each AwsConnection.',
  ].join('\n');
}
