import { expect, test } from '@jest/globals';
import {
  closed,
  opened,
  stoppedRuns,
  writeStopped,
  type StoppedRun,
} from '../../../operator/controllers/breaker.ts';
import { annotations } from '../../../operator/controllers/names.ts';

const both = ['Account', 'Entitlement'];
const stopped = (scope: string, since = 1, run = 'ns/nightly', resources = both) => ({
  scope,
  resources,
  run,
  since,
  deletions: 40,
});
const noted = (text: string | null) => ({
  annotations: text === null ? {} : { [annotations.breaker]: text },
});

test('what was written is read, and an empty one is none', () => {
  const list = [stopped('default'), stopped('1f2e')];
  expect(stoppedRuns(noted(writeStopped(list)))).toEqual(list);
  expect(writeStopped([])).toBeNull();
  expect(stoppedRuns({})).toEqual([]);
});

test.each(['', '{}', '[]', 'null', '[{}]', 'true', '[{"scope":1}]'])(
  'a text that was spoilt (%s) is an open breaker',
  (text) => {
    expect(stoppedRuns(noted(text))).toHaveLength(1);
  },
);

test('the same scope again keeps its time, and tells of the latest run', () => {
  const before = opened([], stopped('default', 1, 'ns/one'));
  expect(opened(before, { ...stopped('default', 9, 'ns/two'), deletions: 41 })).toEqual([
    { scope: 'default', resources: both, run: 'ns/two', since: 1, deletions: 41 },
  ]);
});

test('a run of all users closes all; one of a filter only its own', () => {
  const list = [stopped('default'), stopped('1f2e')];
  expect(closed(list, { scope: 'default', resources: both, first: false })).toEqual([]);
  expect(closed(list, { scope: '1f2e', resources: both, first: false })).toEqual([stopped('default')]);
  expect(closed(list, { scope: 'other', resources: both, first: false })).toEqual(list);
});

test('a run closes nothing that it did not compare', () => {
  const list = [stopped('default', 1, 'ns/nightly', ['Account']), stopped('1f2e')];
  expect(closed(list, { scope: 'default', resources: ['Account'], first: false })).toEqual([stopped('1f2e')]);
});

test('any complete run of all users closes one that was spoilt', () => {
  const spoilt = stoppedRuns(noted('spoilt'));
  expect(closed(spoilt, { scope: 'default', resources: ['Account'], first: false })).toEqual([]);
});

test('a run of whose scope nothing was known says nothing of others', () => {
  const list = [stopped('default'), stopped('1f2e')];
  expect(closed(list, { scope: 'default', resources: both, first: true })).toEqual([stopped('1f2e')]);
});

test('what is missing of all users is never pushed out by filters', () => {
  const many = Array.from({ length: 150 }, (_, index) => stopped(`s${index}`));
  const list = [stopped('default'), ...many].reduce<readonly StoppedRun[]>(opened, []);
  expect(list).toHaveLength(100);
  expect(list.map(({ scope }) => scope)).toContain('default');
  // The latest is the last, whatever it is of.
  expect(list.at(-1)?.scope).toBe('s149');
  expect(opened(list, stopped('default')).at(-1)?.scope).toBe('default');
});

test('there is room for a closed number of scopes', () => {
  const many = Array.from({ length: 150 }, (_, index) => stopped(`s${index}`));
  expect(many.reduce<readonly StoppedRun[]>(opened, [])).toHaveLength(100);
});
