import { fieldsOf } from '../../operator/definitions/fields.ts';
import type { OpenApiSchema } from '../../operator/runtime/index.ts';

export interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
    }[];
  };
}

/** What the operator needs of these definitions, as JSON with a line for each field. @throws {Error} for what it cannot say */
export function neededOf(crds: readonly Crd[]): string {
  const [first] = crds;
  const version = first?.spec.versions[0]?.name;
  const kinds = crds.map(({ metadata, spec }) => {
    const [served, ...others] = spec.versions;
    if (served === undefined || others.length > 0) {
      throw new Error(`${metadata.name} has to have one version`);
    }
    if (spec.group !== first?.spec.group || served.name !== version || spec.scope !== 'Namespaced') {
      throw new Error(`${metadata.name} has to be namespaced, of the group and version of the others`);
    }
    const fields = Object.entries(fieldsOf(served.schema.openAPIV3Schema)).map(
      ([path, field]) => `        ${JSON.stringify(path)}: ${JSON.stringify(field)}`,
    );
    const { kind, plural } = spec.names;
    const names = Object.entries({ crd: metadata.name, kind, plural }).map(
      ([key, value]) => `      ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`,
    );
    return `    {\n${names.join('')}      "fields": {\n${fields.join(',\n')}\n      }\n    }`;
  });
  return [
    '{',
    `  "group": ${JSON.stringify(first?.spec.group)},`,
    `  "version": ${JSON.stringify(version)},`,
    `  "kinds": [\n${kinds.join(',\n')}\n  ]`,
    '}',
    '',
  ].join('\n');
}
