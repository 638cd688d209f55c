/** The entity tag of a version: a strong one (RFC 9110, 8.8.3). @param version printable ASCII without quotes */
export function entityTag(version: string): string {
  return `"${version}"`;
}

/** Versions that a condition names; `any`: whichever there is. */
export type Versions = readonly string[] | 'any';

/**
 * The versions of `If-Match` or `If-None-Match`; undefined where there is no condition. Weak tags count as strong
 * ones: clients and proxies weaken what they were given, and SCIM's own examples compare weak ones (RFC 7644, 3.14).
 * What is no tag is no version, so that it fits nothing.
 */
export function versionsOf(header: string | undefined): Versions | undefined {
  if (header === undefined || header.trim() === '') {
    return undefined;
  }
  if (header.trim() === '*') {
    return 'any';
  }
  return [...header.matchAll(/(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g)].map(([, version = '']) => version);
}

/** Whether a version is among them. */
export function fits(versions: Versions, version: string): boolean {
  return versions === 'any' || versions.includes(version);
}
