import { describe, expect, test } from '@jest/globals';
import type { AwsConnection } from '../../../operator/api/v1alpha1/index.ts';
import { ConnectionTarget } from '../../../operator/connector/index.ts';
import {
  ConnectionRegistry,
  type ConnectionState,
  type Verdict,
} from '../../../operator/controllers/connection/index.ts';
import { AwsError } from '../../../src/aws/index.ts';
import { accountSchema } from '../../../src/schema/index.ts';

const key = { namespace: 'team', name: 'aws' };
const signal = new AbortController().signal;

type Answer = () => Promise<unknown>;
const jo: Answer = () =>
  Promise.resolve({ Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/idhub', UserId: 'AIDA1' });

interface Given {
  readonly verdict?: Verdict;
  readonly readingFailed?: Verdict;
  readonly verified?: boolean;
  readonly read?: boolean;
  readonly candidate?: boolean;
  readonly answer?: Answer;
}

function targetOf({
  verdict,
  readingFailed,
  verified = true,
  read = true,
  candidate = false,
  answer = jo,
}: Given): {
  target: ConnectionTarget;
  state: ConnectionState;
} {
  const registry = new ConnectionRegistry();
  const state = registry.obtain(key);
  const api = { call: answer } as unknown as NonNullable<ConnectionState['link']>['api'];
  if (verified) {
    state.link = { key, api, snapshots: { current: read ? {} : undefined } } as unknown as NonNullable<
      ConnectionState['link']
    >;
    state.terms = {
      caller: { accountId: '111122223333' },
      schema: accountSchema([{ name: 'verified' }], '').schema,
    } as unknown as NonNullable<ConnectionState['terms']>;
  }
  state.candidate = candidate ? ({ api } as unknown as NonNullable<ConnectionState['candidate']>) : undefined;
  state.verdict = verdict;
  state.readingFailed = readingFailed;
  const object = {
    metadata: key,
    spec: { schema: { attributes: [{ name: 'declared' }] } },
  } as unknown as AwsConnection;
  return { target: new ConnectionTarget({ registry, connections: { get: () => object } }), state };
}

describe('how an AWS account stands', () => {
  test.each<[Given, string, RegExp]>([
    [{}, 'UP', /AWS account 111122223333 answers/],
    [{ verified: false }, 'UNKNOWN', /being verified/],
    [{ read: false }, 'UNKNOWN', /read for the first time/],
    [
      { read: false, readingFailed: { reason: 'AccessDenied', message: 'iam:ListUsers' } },
      'DOWN',
      /not complete \(AccessDenied\): iam:ListUsers/,
    ],
    [
      { readingFailed: { reason: 'Throttled', message: 'later' } },
      'DOWN',
      /not complete \(Throttled\): later/,
    ],
    ...(
      [
        ['SecretNotFound', 'NOT_CONFIGURED'],
        ['SecretInvalid', 'NOT_CONFIGURED'],
        ['InvalidSchema', 'NOT_CONFIGURED'],
        ['EndpointOverrideNotAllowed', 'NOT_CONFIGURED'],
        ['Paused', 'OUT_OF_SERVICE'],
        ['Verifying', 'UNKNOWN'],
        ['InvalidCredentials', 'DOWN'],
        ['AccountMismatch', 'DOWN'],
        ['AwsUnreachable', 'DOWN'],
      ] as const
    ).map(([reason, state]): [Given, string, RegExp] => [
      { verdict: { reason, message: 'do this' } },
      state,
      new RegExp(`team/aws" is not ready \\(${reason}\\): do this`),
    ]),
  ])('%j: %s', (given, state, message) => {
    expect(targetOf(given).target.standing(key)).toEqual({ state, message: expect.stringMatching(message) });
  });
});

describe('a test of the credentials', () => {
  const refused: Answer = () =>
    Promise.reject(
      new AwsError({
        kind: 'badCredentials',
        operation: 'GetCallerIdentity',
        code: 'InvalidClientTokenId',
        message: 'AWS does not accept the credentials',
      }),
    );
  const bad = { verdict: { reason: 'InvalidCredentials', message: 'new keys' } } as const;

  test.each<[string, Given, string, RegExp]>([
    ['good', {}, 'UP', /those of arn:aws:iam::111122223333:user\/idhub in AWS account 111122223333/],
    ['good, nothing read yet', { read: false }, 'UP', /AWS takes the credentials/],
    ['not verified yet, and good', { verified: false, candidate: true }, 'UP', /AWS takes the credentials/],
    ['refused', { answer: refused }, 'DOWN', /AWS does not accept the credentials/],
    [
      'good, and of another account',
      { verdict: { reason: 'AccountMismatch', message: 'x' } },
      'DOWN',
      /AccountMismatch/,
    ],
    ['known to be bad, and still', { ...bad, answer: refused }, 'DOWN', /does not accept/],
    [
      'no Secret',
      { verified: false, verdict: { reason: 'SecretNotFound', message: 'make it' } },
      'NOT_CONFIGURED',
      /make it/,
    ],
  ])('%s', async (_, given, state, message) => {
    expect(await targetOf(given).target.test(key, signal)).toEqual({
      state,
      message: expect.stringMatching(message),
    });
  });

  test('refused ones are looked at by the connection itself at once', async () => {
    const { target, state } = targetOf({ answer: refused });
    await target.test(key, signal);
    expect(state.suspect).toBe(true);
  });

  test('nobody waits for it any more', async () => {
    const ended = AbortSignal.abort(new Error('gone'));
    await expect(targetOf({ answer: refused }).target.test(key, ended)).rejects.toThrow('gone');
  });

  test('a fault of ours is not put down to AWS', async () => {
    const answer: Answer = () => Promise.reject(new TypeError('x is undefined'));
    await expect(targetOf({ answer }).target.test(key, signal)).rejects.toThrow(TypeError);
  });
});

test('the schema is the one in force, before that the declared one', () => {
  expect(targetOf({}).target.schema(key).has('verified')).toBe(true);
  expect(targetOf({ verified: false }).target.schema(key).has('declared')).toBe(true);
  expect([...targetOf({}).target.schema(undefined).keys()]).toContain('employeeId');
});
