import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { features, minimalPolicy, type Operation, type PolicyDocument } from '../../../src/aws/index.ts';
import { operations } from '../../../src/aws/operations.ts';
import { trackedFiles } from '../../house/tracked.ts';

const fileOf = (name: string): PolicyDocument =>
  JSON.parse(
    readFileSync(new URL(`../../../docs/aws-policy/${name}.json`, import.meta.url), 'utf8'),
  ) as PolicyDocument;

const actionsOf = (policy: PolicyDocument): string[] =>
  policy.Statement.flatMap(({ Action: action }) => action);

const sources = trackedFiles((path) => path.startsWith('src/') && path.endsWith('.ts'));
const names = Object.keys(operations);

describe('the table of operations', () => {
  test('has each under the name of its command', () => {
    for (const [name, { command }] of Object.entries(operations)) {
      expect(command.name).toBe(`${name}Command`);
    }
  });

  test('has every command of the SDK that the sources name', () => {
    const named = [...sources].flatMap(([path, text]) =>
      [...text.matchAll(/\b([A-Z]\w+)Command\b/g)].map(([, name]) => ({ path, name: name ?? '' })),
    );
    expect(named.length).toBeGreaterThanOrEqual(names.length);
    expect(named.filter(({ name }) => !names.includes(name))).toEqual([]);
    // Nobody but the table holds one, so that nothing can be called around it.
    expect([...new Set(named.map(({ path }) => path))]).toEqual(['src/aws/operations.ts']);
  });

  test('has nothing that the sources do not call', () => {
    const calls = [...sources].filter(([path]) => path !== 'src/aws/operations.ts').map(([, text]) => text);
    expect(names.filter((name) => !calls.some((text) => text.includes(`'${name}'`)))).toEqual([]);
  });

  test('calls a read a read', () => {
    for (const [name, { access }] of Object.entries(operations)) {
      expect([name, access]).toEqual([name, /^(Get|List|Generate|Lookup)/.test(name) ? 'read' : 'write']);
    }
  });

  test('asks for the action of each operation, but for the one that needs none', () => {
    for (const [name, { actions, features: of }] of Object.entries(operations)) {
      expect(of.length).toBeGreaterThan(0);
      expect([name, [...actions]]).toEqual([
        name,
        name === 'GetCallerIdentity'
          ? []
          : name === 'CreateUser'
            ? ['iam:CreateUser', 'iam:TagUser']
            : [`${operations[name as Operation].service}:${name}`],
      ]);
    }
  });
});

describe('the policy files', () => {
  test.each(features)('%s.json is what the table says', (feature) => {
    expect(fileOf(feature)).toEqual(minimalPolicy([feature]));
  });

  test('all.json is all of them', () => {
    expect(fileOf('all')).toEqual(minimalPolicy(features));
  });

  test('every operation is in one, and nothing else is', () => {
    const wanted = new Set(Object.values(operations).flatMap(({ actions }) => actions as readonly string[]));
    expect(new Set(features.flatMap((feature) => actionsOf(fileOf(feature))))).toEqual(wanted);
  });

  test('no file has an action twice, a wildcard in one, or more than AWS takes of a managed policy', () => {
    for (const name of [...features, 'all']) {
      const policy = fileOf(name);
      for (const { Action: action } of policy.Statement) {
        expect(new Set(action).size).toBe(action.length);
      }
      expect(actionsOf(policy).filter((action) => action.includes('*'))).toEqual([]);
      // IAM quotas: 6,144 characters, white space not counted.
      expect(JSON.stringify(policy).length).toBeLessThanOrEqual(6_144);
    }
  });
});
