import { createHash } from 'node:crypto';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
  readonly [key: string]: unknown;
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

/** A bill of materials in CycloneDX 1.5 JSON, as `npm sbom` writes it (https://cyclonedx.org/docs/1.5/json/). */
export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component; readonly [key: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
  readonly [key: string]: unknown;
}

/** The folder of the package that a file of esbuild's inputs is of; undefined for a file of our own. Pure. */
export function packageFolder(input: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

/**
 * The bill of what is in a bundle: of all that is installed, the packages of which it has a file. The same bundle gives
 * the same bytes: no time, and a serial number that is derived from the rest. Pure.
 * @param options.bundled the packages of which the bundle has a file, as `name@version`
 * @throws {Error} where a package is in the bundle and not in the bill
 */
export function bundledSbom(options: {
  readonly sbom: Sbom;
  readonly bundled: readonly string[];
  readonly name: string;
}): Sbom {
  const { sbom, bundled, name } = options;
  const idOf = (component: Component): string => `${component.name}@${component.version}`;
  const wanted = new Set(bundled);
  const components = sbom.components.filter((each) => wanted.delete(idOf(each))).map(required);
  if (wanted.size > 0) {
    throw new Error(`in the bundle, and npm does not list it: ${[...wanted].join(', ')}`);
  }
  const { component, lifecycles, tools } = sbom.metadata;
  const refs = new Set([component, ...components].map((each) => each['bom-ref']));
  const bill = {
    $schema: sbom['$schema'],
    bomFormat: sbom.bomFormat,
    specVersion: sbom.specVersion,
    version: 1,
    metadata: { lifecycles, tools, component: { ...component, name } },
    components,
    dependencies: sbom.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) })),
  };
  return { ...bill, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(bill))}` };
}

/** To npm, what development needs as well is not required. */
function required(component: Component): Component {
  const properties = component.properties ?? [];
  return {
    ...component,
    scope: 'required',
    properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
  };
}

/** A UUID of version 8, as RFC 9562 leaves its bits to whoever makes it: here, a digest. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
