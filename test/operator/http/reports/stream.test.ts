import { expect, test } from '@jest/globals';
import { reportLines, type Report, type ReportFilter } from '../../../../operator/http/reports/stream.ts';

const lines = [
  { resource: 'Account', change: 'Created', name: 'jo' },
  { resource: 'Account', change: 'Deleted', name: 'émil\n' },
  { resource: 'Entitlement', change: 'Deleted', name: 'Developers' },
].map((each) => JSON.stringify(each));

async function* shards(...parts: string[]): AsyncGenerator<Buffer> {
  yield* parts.map((part) => Buffer.from(part));
}

async function textOf(report: Report, filter: ReportFilter = {}): Promise<string> {
  let text = '';
  for await (const part of reportLines(report, filter)) {
    text += part.toString('utf8');
  }
  return text;
}

const header = '{"mode":"Full","changes":3}';
const report = (...parts: string[]): Report => ({
  header: { mode: 'Full', changes: 3 },
  shards: shards(...parts),
});

test.each<[string, string[]]>([
  ['one shard', [`${lines.join('\n')}\n`]],
  ['several', [`${lines[0]}\n`, `${lines[1]}\n${lines[2]}\n`]],
  ['empty ones among them', ['', `${lines[0]}\n`, '\n', `${lines[1]}\n${lines[2]}\n`]],
  ['one without its last line end', [`${lines[0]}\n${lines[1]}`, `${lines[2]}`]],
])('%s: the header, every line, the end', async (_, parts) => {
  expect(await textOf(report(...parts))).toBe([header, ...lines, '{"end":true,"changes":3}', ''].join('\n'));
});

test.each<[ReportFilter, number[]]>([
  [{ change: 'Deleted' }, [1, 2]],
  [{ resource: 'Account' }, [0, 1]],
  [{ resource: 'Account', change: 'Deleted' }, [1]],
  [{ resource: 'Entitlement', change: 'Created' }, []],
])('only what %j asks for, and the end says how many that are', async (filter, chosen) => {
  expect(await textOf(report(`${lines.join('\n')}\n`), filter)).toBe(
    [header, ...chosen.map((index) => lines[index]), `{"end":true,"changes":${chosen.length}}`, ''].join(
      '\n',
    ),
  );
});

test('without changes: the header and the end', async () => {
  expect(await textOf({ header: { changes: 0 }, shards: shards() })).toBe(
    '{"changes":0}\n{"end":true,"changes":0}\n',
  );
});

test('fewer lines than the header says break off before the end, whatever was asked for', async () => {
  await expect(textOf(report(`${lines[0]}\n`))).rejects.toThrow('1 changes and not 3');
  await expect(textOf(report(`${lines[0]}\n`), { change: 'Deleted' })).rejects.toThrow('1 changes and not 3');
});
