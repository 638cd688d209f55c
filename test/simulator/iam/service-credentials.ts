import { AwsError, limitExceeded, noSuchEntity } from '../errors.ts';
import { keyOf, type ServiceCredential, type User } from '../state/index.ts';
import { statusToSet } from './access-keys.ts';
import { need, userToChange, userToRead, type Handlers } from './context.ts';
import { byAge, listed, page } from './paging.ts';

type Operations =
  | 'CreateServiceSpecificCredential'
  | 'ListServiceSpecificCredentials'
  | 'UpdateServiceSpecificCredential'
  | 'ResetServiceSpecificCredential'
  | 'DeleteServiceSpecificCredential';

/** Credentials a user and service (IAM quotas page). */
const MAX_PER_SERVICE = 2;
const DAY_MS = 86_400_000;

/** Services that have such credentials (CreateServiceSpecificCredential, API reference). */
const SERVICES: ReadonlySet<string> = new Set([
  'codecommit.amazonaws.com',
  'cassandra.amazonaws.com',
  'bedrock.amazonaws.com',
  'logs.amazonaws.com',
]);

function credentialNamed(user: User, id: string): ServiceCredential {
  const credential = user.serviceCredentials.find((candidate) => candidate.id === id);
  if (credential === undefined) {
    throw noSuchEntity(`No such credential ${id} exists`);
  }
  return credential;
}

const metadata = (user: User, credential: ServiceCredential) => ({
  UserName: user.name,
  Status: credential.status,
  ServiceUserName: credential.serviceUserName,
  CreateDate: new Date(credential.createdAt),
  ...(credential.expiresAt === undefined ? {} : { ExpirationDate: new Date(credential.expiresAt) }),
  ServiceSpecificCredentialId: credential.id,
  ServiceName: credential.serviceName,
});

const whole = (user: User, credential: ServiceCredential) => ({
  ...metadata(user, credential),
  ServicePassword: credential.password,
});

const replaced = (user: User, by: ServiceCredential): User => ({
  ...user,
  serviceCredentials: user.serviceCredentials.map((other) => (other.id === by.id ? by : other)),
});

export const serviceCredentials: Handlers<Operations> = {
  CreateServiceSpecificCredential(context, input) {
    const { account, now } = context;
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const serviceName = need(input.ServiceName, 'ServiceName');
    if (!SERVICES.has(serviceName)) {
      throw new AwsError('NotSupportedService', `Service ${serviceName} is not supported.`);
    }
    const same = user.serviceCredentials.filter((credential) => credential.serviceName === serviceName);
    if (same.length >= MAX_PER_SERVICE) {
      throw limitExceeded(`Cannot exceed quota for ServiceSpecificCredentialsPerUser: ${MAX_PER_SERVICE}`);
    }
    const credential: ServiceCredential = {
      id: account.random.id('ACCA', 21),
      serviceName,
      serviceUserName: `${user.name}${same.length === 0 ? '' : `+${same.length}`}-at-${account.id}`,
      password: account.random.secret(),
      status: 'Active',
      createdAt: now,
      ...(input.CredentialAgeDays === undefined ? {} : { expiresAt: now + input.CredentialAgeDays * DAY_MS }),
    };
    account.saveUser({ ...user, serviceCredentials: [...user.serviceCredentials, credential] }, user);
    return { ServiceSpecificCredential: whole(user, credential) };
  },

  ListServiceSpecificCredentials(context, input) {
    const { views } = context;
    const owners =
      input.AllUsers === true
        ? views.users.keys.flatMap((key) => views.users.get(key) ?? [])
        : [userToRead(context, input.UserName)];
    const found = owners.flatMap((user) =>
      user.serviceCredentials
        .filter(({ serviceName }) => input.ServiceName === undefined || input.ServiceName === serviceName)
        .map((credential) => ({ user, credential })),
    );
    const sorted = listed(
      found,
      ({ user, credential }) => `${keyOf(user.name)}/${byAge(credential.createdAt, credential.id)}`,
    );
    const { items, ...rest } = page([sorted], input, context);
    return {
      ServiceSpecificCredentials: items.map(({ user, credential }) => metadata(user, credential)),
      ...rest,
    };
  },

  UpdateServiceSpecificCredential(context, input) {
    const user = userToChange(context, input.UserName);
    const id = need(input.ServiceSpecificCredentialId, 'ServiceSpecificCredentialId');
    const changed = { ...credentialNamed(user, id), status: statusToSet(input.Status) };
    context.account.saveUser(replaced(user, changed), user);
    return {};
  },

  ResetServiceSpecificCredential(context, input) {
    const user = userToChange(context, input.UserName);
    const id = need(input.ServiceSpecificCredentialId, 'ServiceSpecificCredentialId');
    const changed = { ...credentialNamed(user, id), password: context.account.random.secret() };
    context.account.saveUser(replaced(user, changed), user);
    return { ServiceSpecificCredential: whole(user, changed) };
  },

  DeleteServiceSpecificCredential(context, input) {
    const user = userToChange(context, input.UserName);
    const id = need(input.ServiceSpecificCredentialId, 'ServiceSpecificCredentialId');
    const gone = credentialNamed(user, id);
    const rest = user.serviceCredentials.filter((other) => other !== gone);
    context.account.saveUser({ ...user, serviceCredentials: rest }, user);
    return {};
  },
};
