const uniqueIds: Readonly<Record<string, RegExp>> = {
  '<access key id>': /^AKIA[A-Z0-9]{12,}$/u,
  '<session key id>': /^ASIA[A-Z0-9]{12,}$/u,
  '<assumed role id>': /^AROA[A-Z0-9]{12,}:.+$/u,
};

/** Members whose values are random or secret: only that they are there is compared. The prefixes of ids have steps of their own. */
const opaque: ReadonlySet<string> = new Set([
  'SecretAccessKey',
  'SessionToken',
  'Base32StringSeed',
  'QRCodePNG',
  'Marker',
  'UserId',
  'GroupId',
  'PolicyId',
  'RoleId',
  'SSHPublicKeyId',
  'CertificateId',
  'NextToken',
]);

/**
 * Makes results comparable: dates, ids and secrets become placeholders, lists are sorted (IAM promises
 * no order), absent and empty members and `IsTruncated: false` are the same, percent-encoded policy documents are marked as
 * such and decoded, and what the target calls by a variable becomes the variable's name.
 */
export function normalize(value: unknown, variables: ReadonlyMap<string, string>): unknown {
  const names = new Map([...variables].map(([name, known]) => [known, `<${name}>`]));
  const visit = (item: unknown, key: string): unknown => {
    if (item instanceof Date) {
      return Math.abs(Date.now() - item.getTime()) < 300_000 ? '<now>' : '<date>';
    }
    if (item instanceof Uint8Array) {
      return '<bytes>';
    }
    if (opaque.has(key) && typeof item === 'string') {
      return `<${key}>`;
    }
    if (typeof item === 'string') {
      return names.get(item) ?? text(item, names);
    }
    if (Array.isArray(item)) {
      return item.map((each) => visit(each, '')).toSorted(byJson);
    }
    if (typeof item === 'object' && item !== null) {
      return Object.fromEntries(
        Object.entries(item)
          .filter(([name, each]) => name !== '$metadata' && !isEmpty(name, each))
          .map(([name, each]): [string, unknown] => [name, visit(each, name)])
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
    }
    return item;
  };
  return visit(value, '');
}

function isEmpty(name: string, value: unknown): boolean {
  if (value === undefined || value === null || (name === 'IsTruncated' && value === false)) {
    return true;
  }
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
    ? Object.keys(value).length === 0
    : false;
}

function text(value: string, names: ReadonlyMap<string, string>): string {
  for (const [placeholder, pattern] of Object.entries(uniqueIds)) {
    if (pattern.test(value)) {
      return placeholder;
    }
  }
  if (value.startsWith('%7B')) {
    return `percent-encoded ${decodeURIComponent(value)}`;
  }
  // Ids inside ARNs.
  let out = value;
  for (const [known, name] of names) {
    if (/^(?:\d{12}|[a-z]+-[a-z0-9-]{4,})$/u.test(known)) {
      out = out.replaceAll(known, name);
    }
  }
  return out;
}

function byJson(a: unknown, b: unknown): number {
  const left = JSON.stringify(a) ?? '';
  const right = JSON.stringify(b) ?? '';
  return left < right ? -1 : Number(left > right);
}
