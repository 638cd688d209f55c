import { describe, expect, test } from '@jest/globals';
import { parseDotenv } from '../../../scripts/import-env/dotenv.ts';

describe('a .env file', () => {
  test.each<[string, string, Record<string, string>]>([
    [
      'the guide’s form',
      "AWS_ACCESS_KEY: 'awsAccessKey'\nPORT: 7002",
      { AWS_ACCESS_KEY: 'awsAccessKey', PORT: '7002' },
    ],
    ['the usual form', 'A=1\nB = 2 \n', { A: '1', B: '2' }],
    ['export', 'export A=1', { A: '1' }],
    ['comments and empty lines', '# A=0\n\n  # x\nA=1 # one\nB=2# two', { A: '1', B: '2' }],
    ['a # inside of quotes', 'A="x # y" # z\nB=\'#\'', { A: 'x # y', B: '#' }],
    ['nothing', 'A=\nB:\nC=""', { A: '', B: '', C: '' }],
    ['blanks inside of quotes stay', "A=' x '", { A: ' x ' }],
    ['= and : in a value', 'A=a=b:c==\nB: https://x.test/y', { A: 'a=b:c==', B: 'https://x.test/y' }],
    ['a quote in the middle is a letter', "A=O'Brien", { A: "O'Brien" }],
    ['line ends in double quotes', 'A="x\\ny\\r"', { A: 'x\ny\r' }],
    ['and not in others', "A='x\\ny'\nB=`x\\ny`", { A: 'x\\ny', B: 'x\\ny' }],
    ['a quote with a backslash does not close', 'A="x\\"y"', { A: 'x\\"y' }],
    ['several lines', 'A=\'{\n "a": 1\n}\'\nB=2', { A: '{\n "a": 1\n}', B: '2' }],
    ['Windows', '\uFEFFA=1\r\nB="2\r\n3"\r\n', { A: '1', B: '2\n3' }],
    ['no variable is put in', 'A=$HOME\nB=${A}', { A: '$HOME', B: '${A}' }],
    ['names with digits, dots and dashes', 'A1.b-c=1', { 'A1.b-c': '1' }],
  ])('%s', (_, text, values) => {
    const file = parseDotenv(text);
    expect(file.problems).toEqual([]);
    expect(Object.fromEntries(file.values)).toEqual(values);
  });

  test.each<[string, string, number, string]>([
    ['no assignment', 'A=1\ncanary value\nB=2', 2, 'is no assignment'],
    ['no name', '=canary', 1, 'is no assignment'],
    ['no blank after the colon', 'A:canary', 1, 'is no assignment'],
    ['a quote without an end', "A=1\nB='canary\nC=2", 2, "B begins with ' and has no '"],
    ['something after the end', 'A="1" canary', 1, 'there is more after the closing " of A'],
    ['a name that comes twice', 'A=1\nA=canary', 2, 'A is there twice'],
  ])('%s is said, without the value', (_, text, line, message) => {
    const { problems } = parseDotenv(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line, message: expect.stringContaining(message) });
    expect(JSON.stringify(problems)).not.toContain('canary');
  });
});
