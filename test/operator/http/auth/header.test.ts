import { expect, test } from '@jest/globals';
import { shownBy } from '../../../../operator/http/auth/header.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test.each<[string, readonly string[], string]>([
  ['nothing', [], 'none'],
  ['an empty header', [''], 'none'],
  ['a scheme alone', ['Bearer'], 'none'],
  ['a scheme and a space', ['Bearer '], 'none'],
  ['a scheme and spaces', ['Basic    '], 'none'],
  ['two headers, the same', ['Bearer abc', 'Bearer abc'], 'none'],
  ['two headers, one empty', ['', 'Bearer abc'], 'none'],
  ['two tokens', ['Bearer abc def'], 'none'],
  ['two tokens with a comma', ['Bearer abc, Bearer def'], 'none'],
  ['a token without a scheme', ['abc'], 'none'],
  ['another scheme', ['Digest abc'], 'none'],
  ['a scheme that begins as ours', ['BearerX abc'], 'none'],
  ['no space', ['Bearer:abc'], 'none'],
  ['control characters', ['Bearer a\tb'], 'none'],
  ['bad Base64', ['Basic am8=x'], 'none'],
  ['Base64url where Base64 is due', ['Basic am8-_w'], 'none'],
  ['a token', ['Bearer abc'], 'bearer abc'],
  ['a small scheme', ['bearer x'], 'bearer x'],
  ['spaces around a token', ['BEARER   abc  '], 'bearer abc'],
  ['Basic', [`Basic ${base64('jo:a b:c')}`], 'basic jo:a b:c'],
  ['Basic of nothing', [`basic ${base64(':')}`], 'basic :'],
])('%s', (_, headers, expected) => {
  const shown = shownBy({ headersDistinct: headers.length === 0 ? {} : { authorization: [...headers] } });
  expect(shown.kind === 'none' ? 'none' : `${shown.kind} ${shown.value.toString()}`).toBe(expected);
});
