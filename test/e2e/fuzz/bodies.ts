import type { Random } from '../chaos/random.ts';
import { names } from './values.ts';

/** Ids of what is there, for requests that come near to something. */
export interface Known {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly entitlements: readonly string[];
}

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const core = 'urn:ietf:params:scim:schemas:core:2.0:User';
const account = 'urn:sath:params:scim:schemas:core:1.0:Account';
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';

const paths: readonly string[] = [
  'active',
  'userName',
  'externalId',
  'name.givenName',
  'emails[type eq "work"].value',
  'entitlements',
  `entitlements[value eq "${readOnly}"]`,
  'password',
  'members',
  'title',
  `${core}:active`,
  'schemas',
  'id',
  'nothing',
  'emails[',
  'members[value eq "x" and (display pr)].value',
];

export function userBody(random: Random): unknown {
  return {
    schemas: [core],
    userName: random.pick(names),
    externalId: `e-${random.int(0, 99)}`,
    name: { givenName: 'Jo', familyName: 'Doe', formatted: 'Jo Doe' },
    displayName: 'Jo Doe',
    active: random.chance(0.7),
    emails: [{ value: 'jo@example.com', type: 'work', primary: true }],
    phoneNumbers: [{ value: '+49 30 1', type: 'mobile' }],
    ...(random.chance(0.3) ? { password: 'Fuzz-Passw0rd!1' } : {}),
  };
}

export function accountBody(random: Random): unknown {
  return {
    schemas: [account],
    userName: random.pick(names),
    displayName: 'Jo Doe',
    givenName: 'Jo',
    surname: 'Doe',
    mail: 'jo@example.com',
    employeeId: String(random.int(0, 999)),
    active: random.pick([true, false, 'True', 'False']),
    entitlements: random.chance(0.4) ? [{ value: readOnly, type: 'AWS Managed Policies' }] : [],
  };
}

export function patchBody(random: Random, { users }: Known): unknown {
  const value = (): unknown =>
    random.pick([
      true,
      'False',
      'text',
      { active: false },
      [{ value: readOnly }],
      [{ value: random.pick(users) }],
      null,
    ]);
  return {
    schemas: [patchOp],
    Operations: Array.from({ length: random.int(1, 4) }, () => ({
      op: random.pick(['add', 'replace', 'remove', 'Replace', 'ADD', 'move']),
      ...(random.chance(0.8) ? { path: random.pick(paths) } : {}),
      value: value(),
    })),
  };
}

export function groupBody(random: Random, { users }: Known): unknown {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: 'fuzz-group',
    members: Array.from({ length: random.int(0, 3) }, () => ({ value: random.pick(users) })),
  };
}

export function bulkBody(random: Random, known: Known): unknown {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    failOnErrors: random.pick([undefined, 1, 3]),
    Operations: Array.from({ length: random.int(0, 4) }, (_, index) => ({
      method: random.pick(['POST', 'PUT', 'PATCH', 'DELETE', 'post', 'GET']),
      path: random.pick([
        '/Users',
        `/Users/${random.pick(known.users)}`,
        '/Users/bulkId:a',
        '/Groups',
        '/Bulk',
        'Users',
        '//',
      ]),
      bulkId: random.pick(['a', 'b', String(index), undefined]),
      data: random.pick([userBody(random), patchBody(random, known), undefined]),
    })),
  };
}

export function searchBody(random: Random): unknown {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
    filter: filterText(random),
    startIndex: random.pick([1, 0, -1, 2, 1e9]),
    count: random.pick([0, 1, 5, -1, 1e9]),
    sortBy: random.pick(['userName', 'meta.created', 'nothing', undefined]),
    attributes: ['userName'],
  };
}

const kinds = [
  'create',
  'update',
  'enable',
  'disable',
  'delete',
  'reset-password',
  'resetPassword',
  'add-entitlement',
  'addEntitlement',
  'remove',
];

export function operationBody(random: Random, { users }: Known): unknown {
  const one = (): unknown => ({
    operationId: `op-${random.int(0, 50)}`,
    kind: random.pick(kinds),
    operation: random.pick(kinds),
    account: random.pick([{ userName: random.pick(names) }, { id: random.pick(users) }, random.pick(users)]),
    userName: random.pick(names),
    attributes: { mail: 'jo@example.com', displayName: 'Jo' },
    entitlements: [{ arn: readOnly }],
    entitlement: { arn: readOnly },
  });
  return random.chance(0.3) ? Array.from({ length: random.int(0, 4) }, one) : one();
}

export function runBody(random: Random): unknown {
  return {
    operationId: `run-${random.int(0, 5)}`,
    mode: random.pick(['Full', 'Incremental', 'full']),
    resources: ['Account'],
    filter: filterText(random),
    users: [random.pick(names)],
    dryRun: true,
  };
}

const terms = [
  'userName eq "jo"',
  'userName sw "fuzz"',
  'active eq true',
  'emails[type eq "work" and value co "@"]',
  'not (externalId pr)',
  'meta.created gt "2020-01-01T00:00:00Z"',
  'entitlements.value eq "x"',
  'userName eq',
  'userName zz "x"',
  'urn:ietf:params:scim:schemas:core:2.0:User:userName co "a"',
  '"',
  'id eq 7',
  'groups[value eq "x"] pr',
];

export function filterText(random: Random): string {
  let text = random.pick(terms);
  for (let count = random.int(0, 5); count > 0; count -= 1) {
    text = random.pick([
      `${text} and ${random.pick(terms)}`,
      `${text} or ${random.pick(terms)}`,
      `(${text})`,
      `not (${text})`,
      `${'('.repeat(random.pick([1, 40, 3_000]))}${text}`,
      text.slice(random.int(0, text.length)),
    ]);
  }
  return text.slice(0, 6_000);
}
