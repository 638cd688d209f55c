import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CertificateFiles } from '../../../../operator/http/frame/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { selfSigned, type SelfSigned } from '../../../support/certificate.ts';
import { FakeClock, settle } from '../../runtime/fake-clock.ts';
import { Lease, replica, takes } from './replicas.ts';

const [one, two, three] = [selfSigned('127.0.0.1'), selfSigned('aws.example.com'), selfSigned('127.0.0.1')];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forward-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The certificate of a port, in files, with the clock by which they are read again. */
async function files(name: string, pair: SelfSigned) {
  const clock = new FakeClock(Date.now());
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const write = async ({ cert, key }: SelfSigned): Promise<void> => {
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
  };
  await write(pair);
  const certificate = await CertificateFiles.open({
    certFile,
    keyFile,
    clock,
    logger: createLogger({ level: 'error', clock, write: () => undefined }),
    news: { loaded: () => undefined, refused: () => undefined },
  });
  const renew = async (next: SelfSigned): Promise<void> => {
    await write(next);
    await clock.advance(10_000);
    while (certificate.current.cert.toString() !== next.cert) {
      await settle();
    }
  };
  return { certificate, renew };
}

test('the leader of a port with TLS is asked over TLS, also while certificates are replaced', async () => {
  const lease = new Lease();
  const [leaders, followers] = [await files('leader', one), await files('follower', one)];
  const leading = await replica(
    'one',
    lease,
    [{ path: '/thing', GET: (_, response) => void response.end('{}') }],
    {
      certificate: leaders.certificate,
    },
  );
  // Its own port is a plain one here, so that the test can ask it; its certificate is what the rule is about.
  const following = await replica('two', lease, []);
  following.leader.serves({ address: undefined, certificate: () => followers.certificate.current.cert });
  const ask = async (): Promise<number> => {
    const answer = await following.get('/things/thing');
    await answer.text();
    return answer.status;
  };
  takes(lease, leading);
  expect(await ask()).toBe(200);
  // The leader has a new one and has said so; the follower still has the old one.
  await leaders.renew(two);
  takes(lease, leading);
  expect(await ask()).toBe(200);
  // The follower has the next one before the leader has said that it has it, too.
  await leaders.renew(three);
  await followers.renew(three);
  expect(await ask()).toBe(200);
  // Neither has said so, nor has the follower seen it: it could be anybody's.
  await followers.renew(two);
  await leaders.renew(one);
  following.leader.close();
  const late = await replica('three', lease, []);
  late.leader.serves({ address: undefined, certificate: () => followers.certificate.current.cert });
  expect((await late.get('/things/thing')).status).toBe(503);
  leaders.certificate.stop();
  followers.certificate.stop();
});
