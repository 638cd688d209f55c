import { afterEach, describe, expect, test } from '@jest/globals';
import { HttpSender, type Answer } from '../../../src/push/index.ts';
import { systemClock } from '../../../operator/runtime/index.ts';
import { FakeClock } from '../fake-clock.ts';
import { selfSigned } from '../../support/certificate.ts';
import { Receiver } from './receiver.ts';

const ofLoopback = selfSigned('127.0.0.1');
const ofAnotherName = selfSigned('idhub.example.com');
const expired = selfSigned('127.0.0.1', 1_800_000);

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) {
    await end();
  }
});

async function started(receiver = new Receiver()): Promise<{ receiver: Receiver; url: URL }> {
  const url = await receiver.start();
  ends.push(() => receiver.stop());
  return { receiver, url };
}

function senderTo(url: URL, clock: FakeClock | typeof systemClock = systemClock): HttpSender {
  const sender = new HttpSender({ url, userAgent: 'connector/1', clock, maxSockets: 4 });
  ends.push(() => sender.close());
  return sender;
}

const send = (
  sender: HttpSender,
  more: { readonly trust?: string; readonly body?: string } = {},
  signal = new AbortController().signal,
): Promise<Answer> =>
  sender.send({ headers: { 'webhook-id': 'm-1' }, body: '{"a":"ü"}', trust: undefined, ...more }, signal);

describe('requests', () => {
  test('are POST of JSON to the very address', async () => {
    const { receiver, url } = await started();
    expect(await send(senderTo(url))).toEqual({ kind: 'answered', status: 204, retryAfter: undefined });
    expect(receiver.received).toMatchObject([
      {
        method: 'POST',
        path: '/in?a=1',
        body: '{"a":"ü"}',
        headers: {
          'content-type': 'application/json',
          'content-length': '10',
          'user-agent': 'connector/1',
          'webhook-id': 'm-1',
        },
      },
    ]);
  });

  test('share a connection', async () => {
    const { receiver, url } = await started();
    const sender = senderTo(url);
    for (let count = 0; count < 5; count += 1) {
      expect(await send(sender)).toMatchObject({ status: 204 });
    }
    expect(receiver.connections).toBe(1);
  });

  test('an idle connection that the receiver has closed is no failure', async () => {
    const { receiver, url } = await started();
    const sender = senderTo(url);
    await send(sender);
    // Closed under the request, which the receiver never gets.
    receiver.reply = (_request, index) => (index === 1 ? { status: 0, instead: 'hangUp' } : { status: 200 });
    expect(await send(sender)).toMatchObject({ status: 200 });
    expect(receiver.connections).toBe(2);
  });

  test('a redirect is answered, and not followed', async () => {
    const other = await started();
    const { receiver, url } = await started();
    receiver.reply = () => ({ status: 307, headers: { location: other.url.href, 'retry-after': '7' } });
    expect(await send(senderTo(url))).toEqual({ kind: 'answered', status: 307, retryAfter: '7' });
    expect(other.receiver.received).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  test('what an answer says is not read to its end', async () => {
    const { receiver, url } = await started();
    receiver.reply = () => ({ status: 200, body: 'x'.repeat(5_000_000) });
    expect(await send(senderTo(url))).toMatchObject({ kind: 'answered', status: 200 });
  });

  test('a head that is too long is no answer', async () => {
    const { receiver, url } = await started();
    receiver.reply = () => ({ status: 200, headers: { 'x-long': 'x'.repeat(30_000) } });
    expect(await send(senderTo(url))).toMatchObject({ kind: 'unanswered', why: expect.any(String) });
  });
});

describe('no answer', () => {
  test('nobody listens', async () => {
    const { receiver, url } = await started();
    await receiver.stop();
    expect(await send(senderTo(url))).toMatchObject({
      kind: 'unanswered',
      why: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('the connection breaks', async () => {
    const { receiver, url } = await started();
    receiver.reply = () => ({ status: 0, instead: 'hangUp' });
    expect(await send(senderTo(url))).toMatchObject({ kind: 'unanswered' });
    expect(receiver.received).toHaveLength(1);
  });

  test('silence ends after 20 s', async () => {
    const clock = new FakeClock();
    const { receiver, url } = await started();
    let arrived = (): void => undefined;
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    receiver.reply = () => {
      arrived();
      return { status: 0, instead: 'silence' };
    };
    const sent = send(senderTo(url, clock));
    await there;
    await clock.advance(20_000);
    expect(await sent).toEqual({ kind: 'unanswered', why: 'no answer within 20 s' });
  });

  test('an abort ends it at once', async () => {
    const { receiver, url } = await started();
    const stop = new AbortController();
    receiver.reply = () => {
      stop.abort(new Error('the lease is lost'));
      return { status: 0, instead: 'silence' };
    };
    await expect(send(senderTo(url), {}, stop.signal)).rejects.toThrow('the lease is lost');
    await expect(send(senderTo(url), {}, stop.signal)).rejects.toThrow('the lease is lost');
    expect(receiver.received).toHaveLength(1);
  });
});

describe('TLS', () => {
  test.each([
    ['a certificate that nobody trusts', ofLoopback, undefined, /certificate/],
    ['a name that is not in the certificate', ofAnotherName, ofAnotherName.cert, /altnames|IP/],
    ['a certificate of yesterday', expired, expired.cert, /expired/],
  ])(
    '%s is refused before anything is sent, whatever the environment says',
    async (_what, tls, trust, why) => {
      const { receiver, url } = await started(new Receiver(tls));
      const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      ends.push(() => {
        if (before === undefined) {
          delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        } else {
          process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
        }
      });
      const answer = await send(senderTo(url), trust === undefined ? {} : { trust });
      expect(answer).toMatchObject({ kind: 'unanswered', why: expect.stringMatching(why) });
      expect(receiver.received).toEqual([]);
    },
  );

  test('certificates of a Secret are trusted', async () => {
    const { receiver, url } = await started(new Receiver(ofLoopback));
    expect(await send(senderTo(url), { trust: ofLoopback.cert })).toMatchObject({ status: 204 });
    expect(receiver.received).toHaveLength(1);
  });

  test('what is no certificate is a failure, and not a fall-back', async () => {
    const { receiver, url } = await started(new Receiver(ofLoopback));
    expect(await send(senderTo(url), { trust: 'nonsense' })).toMatchObject({ kind: 'unanswered' });
    expect(receiver.received).toEqual([]);
  });
});
