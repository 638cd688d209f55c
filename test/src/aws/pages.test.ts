import { describe, expect, test } from '@jest/globals';
import { pages } from '../../../src/aws/index.ts';
import { answering } from '../answering.ts';

const options = { signal: new AbortController().signal };

async function all(
  answers: readonly object[],
): Promise<{ names: (string | undefined)[]; markers: unknown[] }> {
  const markers: unknown[] = [];
  const left = [...answers];
  const api = answering({
    ListUsers: (input) => {
      markers.push(input.Marker);
      return left.shift();
    },
  });
  const names: (string | undefined)[] = [];
  for await (const page of pages(api, 'ListUsers', { MaxItems: 2 }, options)) {
    names.push(...(page.Users ?? []).map(({ UserName }) => UserName));
  }
  return { names, markers };
}

const page = (names: readonly string[], marker?: string): object => ({
  Users: names.map((UserName) => ({ UserName })),
  IsTruncated: marker !== undefined,
  ...(marker === undefined ? {} : { Marker: marker }),
});

describe('a list call', () => {
  test.each<[string, object[], string[], unknown[]]>([
    ['one page', [page(['a'])], ['a'], [undefined]],
    ['no item', [page([])], [], [undefined]],
    ['several pages', [page(['a', 'b'], '1'), page(['c'])], ['a', 'b', 'c'], [undefined, '1']],
    [
      'a short page with more to come',
      [page(['a'], '1'), page(['b'], '2'), page(['c'])],
      ['a', 'b', 'c'],
      [undefined, '1', '2'],
    ],
    [
      'empty pages with more to come',
      [page([], '1'), page([], '2'), page(['c'])],
      ['c'],
      [undefined, '1', '2'],
    ],
    ['an answer that says nothing of more', [{ Users: [] }], [], [undefined]],
    [
      'a marker without more',
      [{ Users: [{ UserName: 'a' }], IsTruncated: false, Marker: 'x' }],
      ['a'],
      [undefined],
    ],
  ])('is followed to its end: %s', async (_, answers, names, markers) => {
    expect(await all(answers)).toEqual({ names, markers });
  });

  test.each([
    ['repeats its marker', [page(['a'], '1'), page(['b'], '1'), page(['c'], '1')]],
    ['comes back to an earlier marker', [page(['a'], '1'), page(['b'], '2'), page(['c'], '1'), page(['d'])]],
    ['says that there is more and gives no marker', [{ Users: [], IsTruncated: true }]],
  ])('that %s is an error', async (_, answers) => {
    await expect(all(answers)).rejects.toThrow(
      'ListUsers: AWS says that there is more, and gives no new marker',
    );
  });

  test('is not asked for more than is used', async () => {
    const api = answering({ ListUsers: () => page(['a'], '1') });
    for await (const _first of pages(api, 'ListUsers', {}, options)) {
      break;
    }
  });
});
