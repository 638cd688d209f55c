import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../support/command.ts';
import { goEnvironment } from '../support/gobuild.ts';
import { goPlatform } from '../support/toolcache.ts';

interface ForeignModule {
  readonly path: string;
  readonly version: string;
  /** As go.sum has it. */
  readonly sum: string;
  readonly files: readonly string[];
}

/** Whose kinds the chart makes objects of, where values ask for them: the definitions as their projects publish them. */
const modules: readonly ForeignModule[] = [
  {
    path: 'github.com/cert-manager/cert-manager',
    version: 'v1.21.2',
    sum: 'h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=',
    files: ['deploy/crds/cert-manager.io_certificates.yaml'],
  },
  {
    path: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    files: [
      'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
      'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
    ],
  },
];

/**
 * CustomResourceDefinitions of cert-manager and the Prometheus operator, as YAML. Go fetches and keeps the modules.
 * @throws {Error} where one cannot be fetched, or is not what it was
 */
export async function foreignCrds(): Promise<readonly string[]> {
  const crds: string[] = [];
  for (const { files, path, sum, version } of modules) {
    const fetched = await runCommand('go', ['mod', 'download', '-json', `${path}@${version}`], {
      env: goEnvironment(process.env, goPlatform(process.platform, process.arch)),
      // Outside any module.
      cwd: tmpdir(),
    });
    const said = fetched.stdout === '' ? {} : (JSON.parse(fetched.stdout) as Record<string, string>);
    if (said['Sum'] !== sum || said['Dir'] === undefined) {
      throw new Error(
        `${path}@${version}: ${said['Error'] ?? (fetched.stderr || `its sum is ${said['Sum']}`)}`,
      );
    }
    for (const file of files) {
      crds.push(await readFile(join(said['Dir'], file), 'utf8'));
    }
  }
  return crds;
}
