import { createHash } from 'node:crypto';
import { AwsError, limitExceeded, noSuchEntity } from '../errors.ts';
import type { SshKey, User } from '../state/index.ts';
import { statusToSet } from './access-keys.ts';
import { need, userToChange, userToRead, type Handlers } from './context.ts';
import { byAge, listed, page } from './paging.ts';

type Operations =
  | 'UploadSSHPublicKey'
  | 'GetSSHPublicKey'
  | 'ListSSHPublicKeys'
  | 'UpdateSSHPublicKey'
  | 'DeleteSSHPublicKey';

/** SSH public keys a user (IAM quotas page). */
const MAX_KEYS = 5;

function keyNamed(user: User, id: string): SshKey {
  const key = user.sshKeys.find((candidate) => candidate.id === id);
  if (key === undefined) {
    throw noSuchEntity(`The Public Key with id ${id} cannot be found.`);
  }
  return key;
}

/** MD5 over the key's bytes, as CodeCommit shows it. Only the OpenSSH form of RSA keys is taken. */
function fingerprintOf(body: string): string {
  const encoded = /^ssh-rsa\s+([A-Za-z0-9+/]+={0,2})(?:\s.*)?$/s.exec(body.trim())?.[1];
  if (encoded === undefined) {
    throw new AwsError('InvalidPublicKey', 'The public key is not a valid RSA key in OpenSSH form.');
  }
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.subarray(4, 11).toString() !== 'ssh-rsa') {
    throw new AwsError('InvalidPublicKey', 'The public key is not a valid RSA key in OpenSSH form.');
  }
  const hex = createHash('md5').update(bytes).digest('hex');
  return hex.replaceAll(/(..)(?!$)/g, '$1:');
}

export const sshKeys: Handlers<Operations> = {
  UploadSSHPublicKey(context, input) {
    const { account, now } = context;
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const body = need(input.SSHPublicKeyBody, 'SSHPublicKeyBody');
    const fingerprint = fingerprintOf(body);
    if (user.sshKeys.some((key) => key.fingerprint === fingerprint)) {
      throw new AwsError('DuplicateSSHPublicKey', 'The SSH public key is already associated with the user.');
    }
    if (user.sshKeys.length >= MAX_KEYS) {
      throw limitExceeded(`Cannot exceed quota for SSHPublicKeysPerUser: ${MAX_KEYS}`);
    }
    const key: SshKey = {
      id: account.random.id('APKA', 21),
      fingerprint,
      body,
      status: 'Active',
      uploadedAt: now,
    };
    account.saveUser({ ...user, sshKeys: [...user.sshKeys, key] }, user);
    return { SSHPublicKey: keyShape(user, key) };
  },

  GetSSHPublicKey(context, input) {
    const user = userToRead(context, need(input.UserName, 'UserName'));
    return { SSHPublicKey: keyShape(user, keyNamed(user, need(input.SSHPublicKeyId, 'SSHPublicKeyId'))) };
  },

  ListSSHPublicKeys(context, input) {
    const user = userToRead(context, input.UserName);
    const keys = listed(user.sshKeys, (key) => byAge(key.uploadedAt, key.id));
    const { items, ...rest } = page([keys], input, context);
    return {
      SSHPublicKeys: items.map((key) => ({
        UserName: user.name,
        SSHPublicKeyId: key.id,
        Status: key.status,
        UploadDate: new Date(key.uploadedAt),
      })),
      ...rest,
    };
  },

  UpdateSSHPublicKey(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const key = keyNamed(user, need(input.SSHPublicKeyId, 'SSHPublicKeyId'));
    const changed = { ...key, status: statusToSet(input.Status) };
    const keys = user.sshKeys.map((other) => (other === key ? changed : other));
    context.account.saveUser({ ...user, sshKeys: keys }, user);
    return {};
  },

  DeleteSSHPublicKey(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const key = keyNamed(user, need(input.SSHPublicKeyId, 'SSHPublicKeyId'));
    context.account.saveUser({ ...user, sshKeys: user.sshKeys.filter((other) => other !== key) }, user);
    return {};
  },
};

function keyShape(user: User, key: SshKey) {
  return {
    UserName: user.name,
    SSHPublicKeyId: key.id,
    Fingerprint: key.fingerprint,
    SSHPublicKeyBody: key.body,
    Status: key.status,
    UploadDate: new Date(key.uploadedAt),
  };
}
