import { describe, expect, test } from '@jest/globals';
import { bench, code, outcome } from './harness.ts';

describe('signatures', () => {
  test('an unknown key, a wrong secret and a made-up token are refused as AWS does', async () => {
    const { as, simulator } = await bench();
    const [admin] = simulator.accounts;
    const accessKeyId = admin?.accessKeyId ?? '';
    const secretAccessKey = admin?.secretAccessKey ?? '';
    const unknown = as({ accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey });
    await expect(unknown.iam.listUsers({})).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
      message: 'The security token included in the request is invalid.',
      $metadata: { httpStatusCode: 403 },
    });
    const wrong = as({ accessKeyId, secretAccessKey: 'x'.repeat(40) });
    await expect(wrong.iam.listUsers({})).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
      $metadata: { httpStatusCode: 403 },
    });
    const token = as({ accessKeyId, secretAccessKey, sessionToken: 'made-up' });
    expect(await code(token.iam.listUsers({}))).toBe('InvalidClientTokenId');
    expect(await code(unknown.cloudTrail.lookupEvents({}))).toBe('UnrecognizedClientException');
    expect(await code(wrong.organizations.listAccounts({}))).toBe('InvalidSignatureException');
  });

  test('an inactive or deleted key is refused at once', async () => {
    const { iam, as } = await bench();
    await iam.createUser({ UserName: 'u' });
    const { AccessKey } = await iam.createAccessKey({ UserName: 'u' });
    const AccessKeyId = AccessKey?.AccessKeyId ?? '';
    const { sts } = as({ accessKeyId: AccessKeyId, secretAccessKey: AccessKey?.SecretAccessKey ?? '' });
    expect(await code(sts.getCallerIdentity({}))).toBe('OK');
    await iam.updateAccessKey({ UserName: 'u', AccessKeyId, Status: 'Inactive' });
    expect(await code(sts.getCallerIdentity({}))).toBe('InvalidClientTokenId');
    await iam.updateAccessKey({ UserName: 'u', AccessKeyId, Status: 'Active' });
    expect(await code(sts.getCallerIdentity({}))).toBe('OK');
    await iam.deleteAccessKey({ UserName: 'u', AccessKeyId });
    expect(await code(sts.getCallerIdentity({}))).toBe('InvalidClientTokenId');
  });

  test.each([
    [20 * 60_000, 'Signature expired'],
    [-20 * 60_000, 'Signature not yet current'],
  ])('a clock that is %d ms off is told so, and the Date header lets the SDK mend it', async (skew, says) => {
    const { iam, control } = await bench();
    await control.skewClock(skew);
    expect(await outcome(iam.listUsers({}))).toMatch(new RegExp(`^SignatureDoesNotMatch: ${says}`));
    expect(await code(iam.listUsers({}))).toBe('OK');
  });

  test('moving the simulated clock does not make signatures old', async () => {
    const { iam, control } = await bench();
    await control.advanceClock(10 * 86_400_000);
    expect(await code(iam.listUsers({}))).toBe('OK');
  });
});

describe('the wire', () => {
  test('unsigned, unreadable and oversized requests are refused', async () => {
    const { simulator } = await bench();
    const post = async (body: string, headers: Record<string, string> = {}): Promise<string> => {
      const response = await fetch(simulator.url, { method: 'POST', body, headers });
      const text = await response.text();
      return `${response.status} ${/<Code>(.*?)<\/Code>/.exec(text)?.[1] ?? ''}`;
    };
    expect(await post('Action=ListUsers&Version=2010-05-08')).toBe('403 MissingAuthenticationToken');
    expect(await post('Action=DoWhat&Version=2010-05-08')).toBe('400 InvalidAction');
    expect(await post('')).toBe('400 MissingAction');
    expect(await post('Action=ListUsers', { authorization: 'AWS4-HMAC-SHA256 nonsense' })).toBe(
      '403 IncompleteSignature',
    );
    expect(await post(`Action=ListUsers&X=${'x'.repeat(1_100_000)}`)).toBe('413 ');
    expect(await post(`Action=TagUser&${'a.'.repeat(50)}=1`)).toBe('400 MalformedQueryString');
  });

  test('__proto__ is a key as any other', async () => {
    const { iam, simulator } = await bench();
    await iam.createUser({ UserName: '__proto__', Tags: [{ Key: '__proto__', Value: 'polluted' }] });
    const { User } = await iam.getUser({ UserName: '__proto__' });
    expect(User?.Tags).toEqual([{ Key: '__proto__', Value: 'polluted' }]);
    await fetch(simulator.url, { method: 'POST', body: 'Action=TagUser&__proto__.polluted=1' });
    expect(Object.keys({}.constructor.prototype as object)).toEqual([]);
  });

  test('what AWS has and the simulator has not is refused aloud', async () => {
    const { iam, control } = await bench();
    await expect(iam.listSAMLProviders({})).rejects.toMatchObject({
      name: 'NotImplemented',
      $metadata: { httpStatusCode: 501 },
    });
    expect((await control.calls()).notImplemented).toEqual(['iam:ListSAMLProviders']);
  });

  test('signs that XML must escape come back as they were', async () => {
    const { iam } = await bench();
    const Description = `<a href="x">&amp; 'é' ]]> ]</a>`;
    const { Policy } = await iam.createPolicy({
      PolicyName: 'p',
      Description,
      PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    });
    expect((await iam.getPolicy({ PolicyArn: Policy?.Arn })).Policy?.Description).toBe(Description);
  });
});
