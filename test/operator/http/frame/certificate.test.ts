import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { CertificateFiles, routerOf } from '../../../../operator/http/frame/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { selfSigned, type SelfSigned } from '../../../support/certificate.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';
import { raw, serveMounts, type ServedFrame } from '../served.ts';

let folder: string;
let clock: FakeClock;
let log: Record<string, unknown>[];
let news: string[];
let opened: CertificateFiles | undefined;

const one = selfSigned('127.0.0.1');
const two = selfSigned('127.0.0.1');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  clock = new FakeClock(Date.now());
  log = [];
  news = [];
});

afterEach(async () => {
  opened?.stop();
  await rm(folder, { recursive: true });
});

/** As the kubelet writes a Secret: a folder anew, then the link to it is swapped. */
async function mount(pair: SelfSigned): Promise<void> {
  const name = `..${Math.random()}`;
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, 'tls.crt'), pair.cert);
  await writeFile(join(folder, name, 'tls.key'), pair.key);
  await symlink(name, join(folder, '..data_tmp'));
  const before = await readlink(join(folder, '..data')).catch(() => undefined);
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  if (before === undefined) {
    await symlink('..data/tls.crt', join(folder, 'tls.crt'));
    await symlink('..data/tls.key', join(folder, 'tls.key'));
  } else {
    await rm(join(folder, before), { recursive: true });
  }
}

async function open(): Promise<CertificateFiles> {
  opened = await CertificateFiles.open({
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    clock,
    logger: createLogger({
      level: 'info',
      clock,
      write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
    }),
    news: {
      loaded: (validTo) => news.push(`loaded ${new Date(validTo).getUTCFullYear()}`),
      refused: () => news.push('refused'),
    },
  });
  return opened;
}

/** Looks come every 10 s; reading files takes turns of the event loop. */
async function nextLook(until: () => boolean): Promise<void> {
  await clock.advance(10_000);
  for (let turn = 0; turn < 2_000 && !until(); turn += 1) {
    await clock.advance(0);
  }
  expect(until()).toBe(true);
}

/** What a client that trusts these certificates is told; why not, else. */
function get(port: number, trusted: readonly SelfSigned[], options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    request(
      {
        host: '127.0.0.1',
        port,
        path: '/open/x',
        ca: trusted.map(({ cert }) => cert),
        agent: false,
        ...options,
      },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(String(answer.statusCode)));
      },
    )
      .once('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`))
      .end();
  });
}

async function served(): Promise<number> {
  return (await servedFrame()).port;
}

async function servedFrame(): Promise<ServedFrame> {
  return serveMounts({
    certificate: await open(),
    mounts: [
      {
        name: 'open',
        path: '/open',
        perConnection: false,
        access: 'open',
        format: 'problem+json',
        bodyLimit: 0,
        mediaTypes: [],
        leaderOnly: false,
        router: routerOf([{ path: '/x', GET: (_request, response) => void response.json({}) }]),
      },
    ],
  });
}

describe('a certificate', () => {
  test('is served with TLS 1.2 or later, and not in the clear', async () => {
    await mount(one);
    const port = await served();
    expect(await get(port, [one])).toBe('200');
    expect(await get(port, [two])).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(await get(port, [one], { maxVersion: 'TLSv1.2' })).toBe('200');
    const old = await get(port, [one], {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    });
    expect(old).toMatch(/alert protocol version/);
    await expect(fetch(`http://127.0.0.1:${port}/open/x`)).rejects.toThrow('fetch failed');
  });

  test('is changed in place when its files are: new connections get it, open ones stay', async () => {
    await mount(one);
    const port = await served();
    const socket = connect({ host: '127.0.0.1', port, ca: one.cert });
    await new Promise((resolve) => {
      socket.once('secureConnect', resolve);
    });
    await mount(two);
    await nextLook(() => news.length === 2);
    expect(await get(port, [two])).toBe('200');
    expect(await get(port, [one])).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    const answered = new Promise<string>((resolve) => {
      socket.once('data', (part) => resolve(part.toString()));
    });
    socket.write('GET /open/x HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test('is no reason to wait at the end for who has not asked, or not agreed on TLS', async () => {
    await mount(one);
    const { port, server } = await servedFrame();
    const silent = raw(port, '');
    const agreed = Promise.withResolvers<void>();
    const ended = new Promise<string>((resolve) => {
      connect({ host: '127.0.0.1', port, ca: one.cert }, () => agreed.resolve())
        .once('error', ({ message }) => resolve(message))
        .once('close', () => resolve('closed'));
    });
    await agreed.promise;
    expect(await get(port, [one])).toBe('200');
    await server.close(25_000);
    expect([await silent, await ended]).toEqual(['', 'closed']);
  });

  test('is not looked at twice for nothing', async () => {
    await mount(one);
    await open();
    await mount(one);
    await clock.advance(60_000);
    expect(news).toHaveLength(1);
  });

  test.each<[string, () => Promise<void>]>([
    ['the key of another', async () => mount({ cert: two.cert, key: one.key })],
    ['nonsense', async () => mount({ cert: 'x', key: 'y' })],
    ['nothing', async () => mount({ cert: '', key: '' })],
    ['no file', async () => rm(join(folder, 'tls.key'))],
  ])('is kept where it changes to %s; it is said once and counted each time', async (_, spoil) => {
    await mount(one);
    const port = await served();
    await spoil();
    await nextLook(() => news.length === 2);
    await nextLook(() => news.length === 3);
    expect(news.slice(1)).toEqual(['refused', 'refused']);
    expect(log.filter(({ level }) => level === 'error')).toMatchObject([
      { msg: expect.stringContaining('the one before stays') as unknown },
    ]);
    expect(JSON.stringify(log)).not.toContain(one.key.split('\n')[1]);
    expect(await get(port, [one])).toBe('200');
    await rm(join(folder, 'tls.key'), { force: true });
    await symlink('..data/tls.key', join(folder, 'tls.key'));
    await mount(two);
    await nextLook(() => news.length === 4);
    expect(await get(port, [two])).toBe('200');
  });

  test('that has expired is served, and said', async () => {
    await mount(selfSigned('127.0.0.1', 60_000));
    await open();
    expect(log).toMatchObject([{ level: 'warn', msg: 'the certificate has expired' }]);
  });
});

test.each([
  ['no files', undefined],
  ['the key of another', { cert: one.cert, key: two.key }],
  ['no certificate', { cert: 'x', key: one.key }],
])('with %s the start is refused, with the flags', async (_, pair) => {
  if (pair !== undefined) {
    await mount(pair);
  }
  await expect(open()).rejects.toThrow(
    /^--tls-cert-file .* and --tls-key-file .* are no certificate with its key/,
  );
});
