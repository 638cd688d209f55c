import { parseArgs } from 'node:util';
import { parseDotenv } from './dotenv.ts';
import { manifestsOf, type Places } from './manifests.ts';
import { planOf } from './plan.ts';

/** What the command says, and its exit code. */
export interface Ended {
  readonly code: 0 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

const defaults: Places = {
  namespace: 'idhub-aws',
  systemNamespace: 'idhub-system',
  name: 'aws',
  idhubSecret: 'idhub',
};

export const help = `Reads the .env of the vendor's connector and prints manifests for this operator to standard output.

Usage: npm run -s import-env -- [options] FILE
       npm run -s import-env -- .env | kubectl apply --server-side -f -

  --namespace NAME          of the AwsConnection and its Secret (default ${defaults.namespace})
  --system-namespace NAME   the operator's own (default ${defaults.systemNamespace})
  --name NAME               of the AwsConnection (default ${defaults.name})
  --idhub-secret NAME       of the Secret with the tokens of IDHub (default ${defaults.idhubSecret})
  --help                    this text

What is printed holds the secrets of the file, and nothing else does: what goes to standard error quotes no
value. Exit code 2, and nothing printed, where something in the file cannot be used.
`;

/**
 * The command without its process.
 * @param read gives the text of a file, by its path; undefined where it cannot be read. A relative second path counts from the first
 */
export function importEnv(
  args: readonly string[],
  read: (path: string, besides?: string) => string | undefined,
): Ended {
  const refuse = (...sentences: readonly string[]): Ended => ({
    code: 2,
    stdout: '',
    stderr: sentences.map((each) => `${each}\n`).join(''),
  });
  let given: { values: Partial<Record<string, string | boolean>>; positionals: string[] };
  try {
    given = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        namespace: { type: 'string' },
        'system-namespace': { type: 'string' },
        name: { type: 'string' },
        'idhub-secret': { type: 'string' },
      },
    });
  } catch (error) {
    return refuse(`${(error as Error).message.split('\n')[0]} (see --help)`);
  }
  if (given.values['help'] === true) {
    return { code: 0, stdout: help, stderr: '' };
  }
  const [path, ...more] = given.positionals;
  if (path === undefined || more.length > 0) {
    return refuse('give the path of one .env file (see --help)');
  }
  const option = (name: string, fallback: string): string => String(given.values[name] ?? fallback);
  const places: Places = {
    namespace: option('namespace', defaults.namespace),
    systemNamespace: option('system-namespace', defaults.systemNamespace),
    name: option('name', defaults.name),
    idhubSecret: option('idhub-secret', defaults.idhubSecret),
  };
  const misnamed = Object.values(places).filter((each) => !/^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/.test(each));
  if (misnamed.length > 0) {
    return refuse(
      `${misnamed.map((each) => `"${each}"`).join(', ')}: write 1 to 50 small letters, digits or -, as names in Kubernetes are`,
    );
  }
  const text = read(path);
  if (text === undefined) {
    return refuse(`${path} cannot be read`);
  }
  const file = parseDotenv(text);
  const { plan, warnings, problems } = planOf(file.values, {
    idhubSecret: places.idhubSecret,
    readSchema: (schema) => read(schema, path),
  });
  const wrong = [...file.problems.map(({ line, message }) => `line ${line}: ${message}`), ...problems];
  if (plan === undefined || wrong.length > 0) {
    return refuse(...wrong.map((each) => `${path}: ${each}`));
  }
  return {
    code: 0,
    stdout: manifestsOf(plan, places),
    stderr: warnings.map((each) => `${path}: ${each}\n`).join(''),
  };
}
