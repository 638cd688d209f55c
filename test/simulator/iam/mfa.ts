import { alreadyExists, AwsError, deleteConflict, limitExceeded, noSuchEntity } from '../errors.ts';
import { keyOf, type User, type VirtualMfaDevice, type Views } from '../state/index.ts';
import { need, userToChange, userToRead, type Handlers, type IamContext } from './context.ts';
import { byAge, listed, page } from './paging.ts';
import { userShape } from './shapes.ts';
import { withoutTags, withTags } from './tagging.ts';

type Operations =
  | 'CreateVirtualMFADevice'
  | 'DeleteVirtualMFADevice'
  | 'ListVirtualMFADevices'
  | 'EnableMFADevice'
  | 'DeactivateMFADevice'
  | 'ResyncMFADevice'
  | 'ListMFADevices'
  | 'GetMFADevice'
  | 'TagMFADevice'
  | 'UntagMFADevice'
  | 'ListMFADeviceTags';

/** MFA devices a user (IAM quotas page). */
const MAX_DEVICES = 8;

const isVirtual = (serialNumber: string): boolean => serialNumber.startsWith('arn:');

function deviceIn(devices: Views['mfaDevices'], serialNumber: string): VirtualMfaDevice {
  const device = devices.get(serialNumber);
  if (device === undefined) {
    throw noSuchEntity(`VirtualMFADevice with serial number ${serialNumber} doesn't exist.`);
  }
  return device;
}

/** No code is computed: two different ones stand for a device that works, two equal ones for a wrong code. */
function checkCodes(first: string | undefined, second: string | undefined): void {
  if (need(first, 'AuthenticationCode1') === need(second, 'AuthenticationCode2')) {
    throw new AwsError('InvalidAuthenticationCode', 'Authentication code for device is not valid.');
  }
}

function assigned(user: User, serialNumber: string): User['mfa'][number] {
  const found = user.mfa.find((device) => device.serialNumber === serialNumber);
  if (found === undefined) {
    throw noSuchEntity(`MFA device with serial number ${serialNumber} is not assigned to user ${user.name}.`);
  }
  return found;
}

function deviceShape(context: IamContext, device: VirtualMfaDevice) {
  const owner =
    device.assigned === undefined
      ? undefined
      : context.account.userById(device.assigned.userId, context.views.users);
  return {
    SerialNumber: device.serialNumber,
    ...(owner === undefined || device.assigned === undefined
      ? {}
      : { User: userShape(context.account, owner), EnableDate: new Date(device.assigned.at) }),
  };
}

export const mfa: Handlers<Operations> = {
  CreateVirtualMFADevice({ account, now }, input) {
    const path = input.Path ?? '/';
    const name = need(input.VirtualMFADeviceName, 'VirtualMFADeviceName');
    const serialNumber = account.arn(`mfa${path}${name}`);
    if (account.mfaDevices.has(serialNumber)) {
      throw alreadyExists(`MFADevice entity at the same path and name already exists.`);
    }
    const seed = account.random.id('', 64);
    const tags = withTags([], input.Tags);
    account.mfaDevices.set(serialNumber, { serialNumber, path, seed, createdAt: now, tags });
    return {
      VirtualMFADevice: {
        SerialNumber: serialNumber,
        Base32StringSeed: Buffer.from(seed),
        QRCodePNG: Buffer.from(`otpauth://totp/${name}`),
        Tags: tags.length === 0 ? undefined : [...tags],
      },
    };
  },

  DeleteVirtualMFADevice({ account }, input) {
    const device = deviceIn(account.mfaDevices, need(input.SerialNumber, 'SerialNumber'));
    if (device.assigned !== undefined) {
      throw deleteConflict('MFA VirtualDevice in use. Must deactivate first.');
    }
    account.mfaDevices.delete(device.serialNumber);
    return {};
  },

  ListVirtualMFADevices(context, input) {
    const { mfaDevices } = context.views;
    const status = input.AssignmentStatus ?? 'Any';
    const get = (key: string): VirtualMfaDevice | undefined => {
      const device = mfaDevices.get(key);
      const fits = status === 'Any' || (status === 'Assigned') === (device?.assigned !== undefined);
      return fits ? device : undefined;
    };
    const { items, ...rest } = page([{ keys: mfaDevices.keys, get }], input, context);
    return { VirtualMFADevices: items.map((device) => deviceShape(context, device)), ...rest };
  },

  EnableMFADevice(context, input) {
    const { account, now } = context;
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const serialNumber = need(input.SerialNumber, 'SerialNumber');
    const device = isVirtual(serialNumber) ? deviceIn(account.mfaDevices, serialNumber) : undefined;
    if (device?.assigned !== undefined || user.mfa.some((other) => other.serialNumber === serialNumber)) {
      throw alreadyExists(`MFA device with serial number ${serialNumber} is already in use.`);
    }
    checkCodes(input.AuthenticationCode1, input.AuthenticationCode2);
    if (user.mfa.length >= MAX_DEVICES) {
      throw limitExceeded(`Cannot exceed quota for MFADevicesPerUser: ${MAX_DEVICES}`);
    }
    if (device !== undefined) {
      account.mfaDevices.set(serialNumber, { ...device, assigned: { userId: user.id, at: now } });
    }
    account.saveUser({ ...user, mfa: [...user.mfa, { serialNumber, enabledAt: now }] }, user);
    return {};
  },

  DeactivateMFADevice(context, input) {
    const { account } = context;
    const user = userToChange(context, input.UserName);
    const serialNumber = need(input.SerialNumber, 'SerialNumber');
    const found = assigned(user, serialNumber);
    const device = account.mfaDevices.get(serialNumber);
    if (device !== undefined) {
      const { assigned: _, ...free } = device;
      account.mfaDevices.set(serialNumber, free);
    }
    account.saveUser({ ...user, mfa: user.mfa.filter((other) => other !== found) }, user);
    return {};
  },

  ResyncMFADevice(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    assigned(user, need(input.SerialNumber, 'SerialNumber'));
    checkCodes(input.AuthenticationCode1, input.AuthenticationCode2);
    return {};
  },

  ListMFADevices(context, input) {
    const user = userToRead(context, input.UserName);
    const devices = listed(user.mfa, (device) => byAge(device.enabledAt, device.serialNumber));
    const { items, ...rest } = page([devices], input, context);
    return {
      MFADevices: items.map((device) => ({
        UserName: user.name,
        SerialNumber: device.serialNumber,
        EnableDate: new Date(device.enabledAt),
      })),
      ...rest,
    };
  },

  GetMFADevice(context, input) {
    const serialNumber = need(input.SerialNumber, 'SerialNumber');
    const user = userToRead(context, input.UserName);
    const device = assigned(user, serialNumber);
    return { UserName: user.name, SerialNumber: serialNumber, EnableDate: new Date(device.enabledAt) };
  },

  TagMFADevice({ account }, input) {
    const device = deviceIn(account.mfaDevices, need(input.SerialNumber, 'SerialNumber'));
    account.mfaDevices.set(device.serialNumber, { ...device, tags: withTags(device.tags, input.Tags) });
    return {};
  },

  UntagMFADevice({ account }, input) {
    const device = deviceIn(account.mfaDevices, need(input.SerialNumber, 'SerialNumber'));
    const tags = withoutTags(device.tags, input.TagKeys);
    account.mfaDevices.set(device.serialNumber, { ...device, tags });
    return {};
  },

  ListMFADeviceTags(context, input) {
    const device = deviceIn(context.views.mfaDevices, need(input.SerialNumber, 'SerialNumber'));
    const { items, ...rest } = page([listed(device.tags, (tag) => keyOf(tag.Key))], input, context);
    return { Tags: [...items], ...rest };
  },
};
