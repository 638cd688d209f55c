import { describe, expect, test } from '@jest/globals';
import { readPushAddress } from '../../../src/push/index.ts';

describe('the address of a receiver', () => {
  test.each([
    ['https://idhub.example.com/hooks/aws', 'https://idhub.example.com/hooks/aws'],
    ['HTTPS://IDHub.example.com', 'https://idhub.example.com/'],
    ['https://10.1.2.3:8443/a?tenant=1', 'https://10.1.2.3:8443/a?tenant=1'],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/'],
    ['http://127.9.9.9/', 'http://127.9.9.9/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
    ['http://localhost:9000/in', 'http://localhost:9000/in'],
    ['http://[::1]:9000/', 'http://[::1]:9000/'],
  ])('%s', (text, href) => {
    const read = readPushAddress(text);
    expect(read.kind === 'address' ? read.url.href : read.why).toBe(href);
  });

  test.each([
    ['http://idhub.example.com/', /write https; http is for 127\.0\.0\.1/],
    ['http://127.0.0.1.example.com/', /write https/],
    ['http://localhost.example.com/', /write https/],
    ['http://169.254.169.254/latest/', /write https/],
    ['http://0.0.0.0/', /write https/],
    ['http://[::ffff:10.0.0.1]/', /write https/],
    ['ftp://127.0.0.1/', /write https/],
    ['file:///etc/passwd', /write https/],
    ['https://user@idhub.example.com/', /leave name and password out/],
    ['https://user:hunter2@idhub.example.com/', /leave name and password out/],
    ['https://idhub.example.com/#x', /leave out what follows the #/],
    ['https://idhub.example.com/#', /leave out what follows the #/],
    ['idhub.example.com/hooks', /write a URL/],
    ['', /write a URL/],
    [`https://idhub.example.com/${'a'.repeat(2_048)}`, /write a URL of at most 2048/],
  ])('%s is refused, without being repeated', (text, sentence) => {
    const read = readPushAddress(text);
    expect(read.kind === 'refused' ? read.why : read.url.href).toMatch(sentence);
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});
