import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** A CustomResourceDefinition, as far as it matters for waiting until it is served. */
export interface Crd {
  /** `<plural>.<group>`. */
  readonly name: string;
  /** Each served version as kubectl names it: `<plural>.<version>.<group>`. */
  readonly resources: readonly string[];
}

interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec?: {
    readonly group?: string;
    readonly names?: { readonly plural?: string };
    readonly versions?: readonly { readonly name?: string; readonly served?: boolean }[];
  };
}

/** The definitions in a directory's YAML and JSON files, and the files that hold them. */
export async function readCrds(
  dir: string,
): Promise<{ readonly files: readonly string[]; readonly crds: readonly Crd[] }> {
  const names = (await readdir(dir)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const file = join(dir, name);
      return { file, crds: crdsOf(await readFile(file, 'utf8')) };
    }),
  );
  const holding = found.filter(({ crds }) => crds.length > 0);
  return { files: holding.map(({ file }) => file), crds: holding.flatMap(({ crds }) => crds) };
}

function crdsOf(text: string): readonly Crd[] {
  return parseAllDocuments(text).flatMap((document) => {
    const manifest = document.toJS() as Manifest | null;
    if (manifest?.kind !== 'CustomResourceDefinition') {
      return [];
    }
    const { group = '', names, versions = [] } = manifest.spec ?? {};
    const plural = names?.plural ?? '';
    return [
      {
        name: manifest.metadata?.name ?? `${plural}.${group}`,
        resources: versions
          .filter((version) => version.served === true)
          .map((version) => `${plural}.${version.name ?? ''}.${group}`),
      },
    ];
  });
}
