import { defaultUserQuotas } from '../../../src/connection/index.ts';
import { resolveSettings, type SettingsInput } from '../../../src/connection/index.ts';
import { guardOf } from '../../../src/guard/index.ts';
import { SnapshotStore } from '../../../src/reconciliation/index.ts';
import { accountSchema, type AttributeChange } from '../../../src/schema/index.ts';
import type { ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount, AwsConnection } from '../../../operator/api/v1alpha1/index.ts';
import type { ConnectionState, UsableConnection } from '../../../operator/controllers/connection/index.ts';
import { FakeAws } from '../../src/fake-aws.ts';
import { FakeClock } from '../../src/fake-clock.ts';

export const caller = {
  accountId: '111122223333',
  arn: 'arn:aws:iam::111122223333:user/idhub',
  partition: 'aws',
  userName: 'idhub',
  userId: 'AIDAIDHUB',
} as const;

export function account(
  more: {
    readonly metadata?: Partial<AwsAccount['metadata']>;
    readonly spec?: Partial<AwsAccount['spec']>;
    readonly status?: AwsAccount['status'];
  } = {},
): AwsAccount {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: { name: 'jo', namespace: 'ns', generation: 3, ...more.metadata },
    spec: { connectionRef: { name: 'main' }, userName: 'jo', ...more.spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

export function connection(
  more: {
    readonly metadata?: Partial<AwsConnection['metadata']>;
    readonly spec?: Partial<AwsConnection['spec']>;
    readonly status?: AwsConnection['status'];
  } = {},
): AwsConnection {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsConnection',
    metadata: { name: 'main', namespace: 'ns', generation: 3, ...more.metadata },
    spec: { credentials: { secretRef: { name: 'aws' } }, ...more.spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

/** A snapshot store that has read these users. */
export async function snapshotsOf(
  users: readonly ObservedUser[],
  clock = new FakeClock(),
): Promise<SnapshotStore> {
  const store = new SnapshotStore({
    clock,
    read: () => Promise.resolve({ users, groups: new Map(), pages: 1 }),
  });
  await store.refresh(new AbortController().signal);
  return store;
}

export async function usableConnection(
  settings: SettingsInput = {},
  attributes: readonly AttributeChange[] = [],
): Promise<UsableConnection> {
  return {
    key: { namespace: 'ns', name: 'main' },
    fingerprint: 'f',
    credentials: { accessKeyId: 'AKIA1', secretAccessKey: 's' },
    api: new FakeAws(),
    snapshots: await snapshotsOf([]),
    since: 0,
    caller,
    settings: resolveSettings(settings).settings,
    schema: accountSchema(attributes, '').schema,
    defaults: {},
    guard: guardOf(undefined),
    allowedNamespaces: [],
    communicationUser: 'idhub',
    quotas: defaultUserQuotas,
    usersQuota: 5000,
  };
}

/** The state of a connection that works. */
export async function working(): Promise<ConnectionState> {
  const usable = await usableConnection();
  const reading = usable.snapshots.current?.reading;
  return {
    link: usable,
    terms: usable,
    facts: { alias: 'acme', quotas: { users: { used: 7, quota: 5000 } }, perUser: defaultUserQuotas },
    verdict: undefined,
    verifiedAt: 0,
    snapshotDueAt: 1,
    suspect: false,
    candidate: undefined,
    pacer: undefined,
    complaint: undefined,
    readingFailed: undefined,
    missing: undefined,
    comparison: { kind: 'compared', reading },
    reconcileAt: undefined,
    discovery: undefined,
  };
}
