import { X509Certificate } from 'node:crypto';
import { AwsError, limitExceeded, noSuchEntity } from '../errors.ts';
import type { SigningCertificate, User } from '../state/index.ts';
import { statusToSet } from './access-keys.ts';
import { need, userToChange, userToRead, type Handlers } from './context.ts';
import { byAge, listed, page } from './paging.ts';

type Operations =
  | 'UploadSigningCertificate'
  | 'ListSigningCertificates'
  | 'UpdateSigningCertificate'
  | 'DeleteSigningCertificate';

const MAX_CERTIFICATES = 2;

function certificateNamed(user: User, id: string): SigningCertificate {
  const certificate = user.certificates.find((candidate) => candidate.id === id);
  if (certificate === undefined) {
    throw noSuchEntity(`The Certificate with id ${id} cannot be found.`);
  }
  return certificate;
}

function fingerprintOf(body: string): string {
  try {
    return new X509Certificate(body).fingerprint256;
  } catch {
    throw new AwsError(
      'MalformedCertificate',
      'Unable to parse certificate. Please ensure the certificate is in PEM format.',
    );
  }
}

const certificateShape = (user: User, certificate: SigningCertificate) => ({
  UserName: user.name,
  CertificateId: certificate.id,
  CertificateBody: certificate.body,
  Status: certificate.status,
  UploadDate: new Date(certificate.uploadedAt),
});

export const signingCertificates: Handlers<Operations> = {
  UploadSigningCertificate(context, input) {
    const { account, now } = context;
    const user = userToChange(context, input.UserName);
    const body = need(input.CertificateBody, 'CertificateBody');
    const fingerprint = fingerprintOf(body);
    if (user.certificates.some((certificate) => certificate.fingerprint === fingerprint)) {
      throw new AwsError('DuplicateCertificate', 'The certificate is already associated with the user.');
    }
    if (user.certificates.length >= MAX_CERTIFICATES) {
      throw limitExceeded(`Cannot exceed quota for SigningCertificatesPerUser: ${MAX_CERTIFICATES}`);
    }
    const certificate: SigningCertificate = {
      id: account.random.id('', 32),
      body,
      fingerprint,
      status: 'Active',
      uploadedAt: now,
    };
    account.saveUser({ ...user, certificates: [...user.certificates, certificate] }, user);
    return { Certificate: certificateShape(user, certificate) };
  },

  ListSigningCertificates(context, input) {
    const user = userToRead(context, input.UserName);
    const found = listed(user.certificates, (certificate) => byAge(certificate.uploadedAt, certificate.id));
    const { items, ...rest } = page([found], input, context);
    return { Certificates: items.map((certificate) => certificateShape(user, certificate)), ...rest };
  },

  UpdateSigningCertificate(context, input) {
    const user = userToChange(context, input.UserName);
    const certificate = certificateNamed(user, need(input.CertificateId, 'CertificateId'));
    const changed = { ...certificate, status: statusToSet(input.Status) };
    const certificates = user.certificates.map((other) => (other === certificate ? changed : other));
    context.account.saveUser({ ...user, certificates }, user);
    return {};
  },

  DeleteSigningCertificate(context, input) {
    const user = userToChange(context, input.UserName);
    const gone = certificateNamed(user, need(input.CertificateId, 'CertificateId'));
    const certificates = user.certificates.filter((other) => other !== gone);
    context.account.saveUser({ ...user, certificates }, user);
    return {};
  },
};
