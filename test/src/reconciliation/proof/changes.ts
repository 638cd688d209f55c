import type { IAM } from '@aws-sdk/client-iam';
import { policyDocument } from '../../../simulator/harness.ts';
import { CERTIFICATES, sshPublicKey, type AccountDump, type UserDump } from '../../../simulator/index.ts';
import type { Dice } from './dice.ts';

/** What a change has at hand. */
export interface Hands {
  readonly iam: IAM;
  readonly dice: Dice;
  readonly account: AccountDump;
  /** Everybody but the one the product works as. */
  readonly users: readonly UserDump[];
  /** A name that was never used. */
  fresh(this: void, what: string): string;
  /** AWS refuses the next call of this operation. */
  refuse(this: void, operation: string): Promise<void>;
}

type Change = (hands: Hands) => Promise<unknown>;

const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const managed = [readOnly, 'arn:aws:iam::aws:policy/SecurityAudit', 'arn:aws:iam::aws:policy/AWSDenyAll'];
const boundaries = [readOnly, 'arn:aws:iam::aws:policy/PowerUserAccess'];
const password = (dice: Dice): string => `Correct-horse-${dice.below(1_000_000)}`;
const document = (dice: Dice): string =>
  policyDocument({ Effect: 'Allow', Action: `s3:Get${dice.below(20)}*`, Resource: '*' });
const denyAll = policyDocument({ Effect: 'Deny', Action: '*', Resource: '*' });
const text = ['Bonn', 'Köln', 'New York', '', 'São Paulo', 'a+b=c'];

/** Somebody, if there is anybody of that kind. */
function some({ users, dice }: Hands, suits: (user: UserDump) => boolean = () => true): UserDump | undefined {
  const found = users.filter(suits);
  return found.length === 0 ? undefined : dice.of(found);
}

async function onSome(
  hands: Hands,
  suits: (user: UserDump) => boolean,
  work: (user: UserDump) => Promise<unknown>,
): Promise<void> {
  const user = some(hands, suits);
  if (user !== undefined) {
    await work(user);
  }
}

/** Everything that a user owns, then the user. */
async function remove({ iam }: Hands, user: UserDump): Promise<void> {
  const UserName = user.userName;
  if (user.hasLoginProfile) {
    await iam.deleteLoginProfile({ UserName });
  }
  for (const { accessKeyId } of user.accessKeys) {
    await iam.deleteAccessKey({ UserName, AccessKeyId: accessKeyId });
  }
  for (const { serialNumber } of user.mfaDevices) {
    await iam.deactivateMFADevice({ UserName, SerialNumber: serialNumber });
    await iam.deleteVirtualMFADevice({ SerialNumber: serialNumber });
  }
  for (const { id } of user.sshPublicKeys) {
    await iam.deleteSSHPublicKey({ UserName, SSHPublicKeyId: id });
  }
  for (const { id } of user.signingCertificates) {
    await iam.deleteSigningCertificate({ UserName, CertificateId: id });
  }
  for (const { id } of user.serviceSpecificCredentials) {
    await iam.deleteServiceSpecificCredential({ UserName, ServiceSpecificCredentialId: id });
  }
  for (const GroupName of user.groups) {
    await iam.removeUserFromGroup({ UserName, GroupName });
  }
  for (const PolicyArn of user.attachedPolicies) {
    await iam.detachUserPolicy({ UserName, PolicyArn });
  }
  for (const PolicyName of Object.keys(user.inlinePolicies)) {
    await iam.deleteUserPolicy({ UserName, PolicyName });
  }
  await iam.deleteUser({ UserName });
}

async function create({ iam, dice, fresh }: Hands, UserName = fresh('user')): Promise<void> {
  await iam.createUser({
    UserName,
    ...(dice.once(2) ? { Path: dice.of(['/', '/sales/', '/it/ops/']) } : {}),
    ...(dice.once(2) ? { Tags: [{ Key: 'city', Value: dice.of(text) }] } : {}),
    ...(dice.once(3) ? { PermissionsBoundary: dice.of(boundaries) } : {}),
  });
}

/** Every kind of change that somebody makes behind the product's back. */
export const changes: Readonly<Record<string, Change>> = {
  'a user': (hands) => create(hands),
  'no user any more': (hands) =>
    onSome(
      hands,
      () => hands.users.length > 20,
      (user) => remove(hands, user),
    ),
  'a name made again': (hands) =>
    onSome(
      hands,
      () => true,
      async (user) => {
        await remove(hands, user);
        await create(hands, hands.dice.once(2) ? user.userName : user.userName.toUpperCase());
      },
    ),
  'somebody who stays a moment': async (hands) => {
    const UserName = hands.fresh('guest');
    await hands.iam.createUser({ UserName });
    await hands.iam.attachUserPolicy({ UserName, PolicyArn: readOnly });
    await hands.iam.detachUserPolicy({ UserName, PolicyArn: readOnly });
    await hands.iam.deleteUser({ UserName });
  },
  'another name': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) => hands.iam.updateUser({ UserName, NewUserName: hands.fresh('renamed') }),
    ),
  'names swapped': async (hands) => {
    const [one, other] = [some(hands), some(hands)];
    if (one !== undefined && other !== undefined && one !== other) {
      const spare = hands.fresh('spare');
      await hands.iam.updateUser({ UserName: one.userName, NewUserName: spare });
      await hands.iam.updateUser({ UserName: other.userName, NewUserName: one.userName });
      await hands.iam.updateUser({ UserName: spare, NewUserName: other.userName });
    }
  },
  'a name that goes on to a new user': (hands) =>
    onSome(
      hands,
      () => true,
      async ({ userName: UserName }) => {
        await hands.iam.updateUser({ UserName, NewUserName: hands.fresh('renamed') });
        await create(hands, UserName);
      },
    ),
  'another path': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.updateUser({ UserName, NewPath: hands.dice.of(['/', '/sales/', '/it/', '/it/ops/']) }),
    ),
  'an attribute': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.tagUser({
          UserName,
          Tags: [{ Key: hands.dice.of(['city', 'department']), Value: hands.dice.of(text) }],
        }),
    ),
  'a tag of others': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.tagUser({ UserName, Tags: [{ Key: 'cost', Value: String(hands.dice.below(9)) }] }),
    ),
  'no attribute': (hands) =>
    onSome(
      hands,
      ({ tags }) => tags['city'] !== undefined,
      ({ userName: UserName }) => hands.iam.untagUser({ UserName, TagKeys: ['city'] }),
    ),
  'a boundary': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: hands.dice.of(boundaries) }),
    ),
  'no boundary': (hands) =>
    onSome(
      hands,
      ({ permissionsBoundary }) => permissionsBoundary !== undefined,
      ({ userName: UserName }) => hands.iam.deleteUserPermissionsBoundary({ UserName }),
    ),
  'a membership': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.addUserToGroup({ UserName, GroupName: hands.dice.of(hands.account.groups).groupName }),
    ),
  'no membership': (hands) =>
    onSome(
      hands,
      ({ groups }) => groups.length > 0,
      ({ userName: UserName, groups }) =>
        hands.iam.removeUserFromGroup({ UserName, GroupName: hands.dice.of(groups) }),
    ),
  'a policy': (hands) =>
    onSome(
      hands,
      ({ attachedPolicies }) => attachedPolicies.length < 5,
      ({ userName: UserName }) =>
        hands.iam.attachUserPolicy({
          UserName,
          PolicyArn: hands.dice.of([...managed, ...hands.account.policies.map(({ arn }) => arn)]),
        }),
    ),
  'no policy': (hands) =>
    onSome(
      hands,
      ({ attachedPolicies }) => attachedPolicies.length > 0,
      (user) =>
        hands.iam.detachUserPolicy({
          UserName: user.userName,
          PolicyArn: hands.dice.of(user.attachedPolicies),
        }),
    ),
  'an inline policy': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.putUserPolicy({
          UserName,
          PolicyName: hands.dice.of(['p', 'q']),
          PolicyDocument: document(hands.dice),
        }),
    ),
  'an inline policy written in another way': (hands) =>
    onSome(
      hands,
      ({ inlinePolicies }) => inlinePolicies['p'] !== undefined,
      (user) =>
        hands.iam.putUserPolicy({
          UserName: user.userName,
          PolicyName: 'p',
          PolicyDocument: JSON.stringify(JSON.parse(user.inlinePolicies['p'] ?? ''), undefined, 2),
        }),
    ),
  'no inline policy': (hands) =>
    onSome(
      hands,
      ({ inlinePolicies }) => Object.keys(inlinePolicies).length > 0,
      (user) =>
        hands.iam.deleteUserPolicy({
          UserName: user.userName,
          PolicyName: hands.dice.of(Object.keys(user.inlinePolicies)),
        }),
    ),
  'a Deny on everything': (hands) =>
    onSome(
      hands,
      () => true,
      ({ userName: UserName }) =>
        hands.iam.putUserPolicy({ UserName, PolicyName: 'IDHubDisabled', PolicyDocument: denyAll }),
    ),
  'a password': (hands) =>
    onSome(
      hands,
      ({ hasLoginProfile }) => !hasLoginProfile,
      ({ userName: UserName }) => hands.iam.createLoginProfile({ UserName, Password: password(hands.dice) }),
    ),
  'another password': (hands) =>
    onSome(
      hands,
      ({ hasLoginProfile }) => hasLoginProfile,
      ({ userName: UserName }) => hands.iam.updateLoginProfile({ UserName, Password: password(hands.dice) }),
    ),
  'no password': (hands) =>
    onSome(
      hands,
      ({ hasLoginProfile }) => hasLoginProfile,
      ({ userName: UserName }) => hands.iam.deleteLoginProfile({ UserName }),
    ),
  'an access key': (hands) =>
    onSome(
      hands,
      ({ accessKeys }) => accessKeys.length < 2,
      ({ userName: UserName }) => hands.iam.createAccessKey({ UserName }),
    ),
  'an access key switched': (hands) =>
    onSome(
      hands,
      ({ accessKeys }) => accessKeys.length > 0,
      ({ userName: UserName, accessKeys }) => {
        const { accessKeyId: AccessKeyId, status } = hands.dice.of(accessKeys);
        return hands.iam.updateAccessKey({
          UserName,
          AccessKeyId,
          Status: status === 'Active' ? 'Inactive' : 'Active',
        });
      },
    ),
  'no access key': (hands) =>
    onSome(
      hands,
      ({ accessKeys }) => accessKeys.length > 0,
      ({ userName: UserName, accessKeys }) =>
        hands.iam.deleteAccessKey({ UserName, AccessKeyId: hands.dice.of(accessKeys).accessKeyId }),
    ),
  'an MFA device': (hands) =>
    onSome(
      hands,
      ({ mfaDevices }) => mfaDevices.length < 2,
      async ({ userName: UserName }) => {
        const made = await hands.iam.createVirtualMFADevice({ VirtualMFADeviceName: hands.fresh('mfa') });
        await hands.iam.enableMFADevice({
          UserName,
          SerialNumber: made.VirtualMFADevice?.SerialNumber,
          AuthenticationCode1: '123456',
          AuthenticationCode2: '654321',
        });
      },
    ),
  'no MFA device': (hands) =>
    onSome(
      hands,
      ({ mfaDevices }) => mfaDevices.length > 0,
      async ({ userName: UserName, mfaDevices }) => {
        const { serialNumber: SerialNumber } = hands.dice.of(mfaDevices);
        await hands.iam.deactivateMFADevice({ UserName, SerialNumber });
        await hands.iam.deleteVirtualMFADevice({ SerialNumber });
      },
    ),
  'an SSH key': (hands) =>
    onSome(
      hands,
      ({ sshPublicKeys }) => sshPublicKeys.length < 3,
      ({ userName: UserName }) =>
        hands.iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody: sshPublicKey(hands.dice.below(100_000)) }),
    ),
  'a certificate': (hands) =>
    onSome(
      hands,
      ({ signingCertificates }) => signingCertificates.length === 0,
      ({ userName: UserName }) =>
        hands.iam.uploadSigningCertificate({ UserName, CertificateBody: CERTIFICATES[0] }),
    ),
  'a service-specific credential': (hands) =>
    onSome(
      hands,
      (user) => user.serviceSpecificCredentials.length < 2,
      ({ userName: UserName }) =>
        hands.iam.createServiceSpecificCredential({ UserName, ServiceName: 'codecommit.amazonaws.com' }),
    ),
  'another name of a group': ({ iam, dice, account, fresh }) =>
    iam.updateGroup({ GroupName: dice.of(account.groups).groupName, NewGroupName: fresh('group') }),
  'another path of a group': ({ iam, dice, account }) =>
    iam.updateGroup({ GroupName: dice.of(account.groups).groupName, NewPath: dice.of(['/', '/it/']) }),
  'a policy of a group': ({ iam, dice, account }) =>
    iam.attachGroupPolicy({
      GroupName: dice.of(account.groups).groupName,
      PolicyArn: dice.of([readOnly, ...account.policies.map(({ arn }) => arn)]),
    }),
  'an inline policy of a group': ({ iam, dice, account }) =>
    iam.putGroupPolicy({
      GroupName: dice.of(account.groups).groupName,
      PolicyName: dice.of(['g', 'h']),
      PolicyDocument: document(dice),
    }),
  'no policy of a group': async ({ iam, dice, account }) => {
    const { groupName: GroupName, attachedPolicies, inlinePolicies } = dice.of(account.groups);
    for (const PolicyArn of attachedPolicies) {
      await iam.detachGroupPolicy({ GroupName, PolicyArn });
    }
    for (const PolicyName of Object.keys(inlinePolicies)) {
      await iam.deleteGroupPolicy({ GroupName, PolicyName });
    }
  },
  'a group made again': async ({ iam, dice, account }) => {
    const group = dice.of(account.groups);
    const { groupName: GroupName } = group;
    for (const UserName of group.members) {
      await iam.removeUserFromGroup({ UserName, GroupName });
    }
    for (const PolicyArn of group.attachedPolicies) {
      await iam.detachGroupPolicy({ GroupName, PolicyArn });
    }
    for (const PolicyName of Object.keys(group.inlinePolicies)) {
      await iam.deleteGroupPolicy({ GroupName, PolicyName });
    }
    await iam.deleteGroup({ GroupName });
    await iam.createGroup({ GroupName });
  },
  'another version of a policy': async ({ iam, dice, account }) => {
    const { arn: PolicyArn, versions, defaultVersionId } = dice.of(account.policies);
    const old = Object.keys(versions).find((id) => id !== defaultVersionId);
    if (old !== undefined && Object.keys(versions).length > 3) {
      await iam.deletePolicyVersion({ PolicyArn, VersionId: old });
    }
    await iam.createPolicyVersion({ PolicyArn, PolicyDocument: document(dice), SetAsDefault: true });
  },
  'what AWS refuses': (hands) =>
    onSome(
      hands,
      () => true,
      async ({ userName: UserName }) => {
        const { iam, dice, refuse, fresh } = hands;
        const [operation, call] = dice.of<readonly [string, () => Promise<unknown>]>([
          ['DeleteUser', () => iam.deleteUser({ UserName })],
          ['UpdateUser', () => iam.updateUser({ UserName, NewUserName: fresh('refused') })],
          ['CreateUser', () => iam.createUser({ UserName: fresh('refused') })],
          ['TagUser', () => iam.tagUser({ UserName, Tags: [{ Key: 'city', Value: 'Refused' }] })],
        ]);
        await refuse(operation);
        await call().catch((error: unknown) => {
          if ((error as Error).name !== 'AccessDenied') {
            throw error;
          }
        });
      },
    ),
};
