import { describe, expect, test } from '@jest/globals';
import {
  connectorHealth,
  readStateNames,
  type ConnectorState,
  type StateNames,
} from '../../../../src/idhub/connector/index.ts';

function namesOf(text: string): StateNames {
  const read = readStateNames(text);
  if ('problem' in read) {
    throw new Error(read.problem);
  }
  return read.names;
}

const own = namesOf('');

describe('the state of the connector', () => {
  test.each<[ConnectorState, ConnectorState, ConnectorState]>([
    ['UP', 'UP', 'UP'],
    ['UP', 'NOT_CONFIGURED', 'UP'],
    ['UP', 'DOWN', 'DOWN'],
    ['UP', 'OUT_OF_SERVICE', 'OUT_OF_SERVICE'],
    ['UP', 'UNKNOWN', 'UNKNOWN'],
    ['DOWN', 'UP', 'DOWN'],
    ['DOWN', 'NOT_CONFIGURED', 'DOWN'],
    ['DOWN', 'OUT_OF_SERVICE', 'OUT_OF_SERVICE'],
    ['UNKNOWN', 'NOT_CONFIGURED', 'UNKNOWN'],
    ['NOT_CONFIGURED', 'UP', 'NOT_CONFIGURED'],
    ['NOT_CONFIGURED', 'NOT_CONFIGURED', 'NOT_CONFIGURED'],
    ['NOT_CONFIGURED', 'DOWN', 'DOWN'],
  ])('AWS %s, IDHub %s: %s', (aws, idhub, expected) => {
    const target = { state: aws, message: 'of AWS' };
    const health = connectorHealth(target, { state: idhub, message: 'of IDHub' }, own);
    expect(health.status).toBe(expected);
    expect(health.parts.map(({ name, status }) => [name, status])).toEqual([
      ['aws', aws],
      ['idhub', idhub],
    ]);
    expect(health.message).not.toBe('');
  });

  test('the message is that of what is wrong', () => {
    const health = connectorHealth(
      { state: 'UP', message: 'all is well' },
      { state: 'DOWN', message: 'IDHub does not answer' },
      own,
    );
    expect(health.message).toBe('IDHub does not answer');
  });

  test('is called as IDHub wants it', () => {
    const names = namesOf('UNKNOWN=Unresolved, not_configured=Not Configured');
    expect(names).toEqual({
      NOT_CONFIGURED: 'Not Configured',
      UP: 'UP',
      DOWN: 'DOWN',
      OUT_OF_SERVICE: 'OUT_OF_SERVICE',
      UNKNOWN: 'Unresolved',
    });
    const unknown = { state: 'UNKNOWN', message: 'x' } as const;
    expect(connectorHealth(unknown, unknown, names).status).toBe('Unresolved');
  });

  test.each([
    ['GONE=x', /names no state: write one of NOT_CONFIGURED/],
    ['UP', /names no state/],
    ['UP=', /names no state/],
    ['UP=<b>', /names no state/],
    ['UP=DOWN', /two states have one name/],
  ])('%s is refused', (text, message) => {
    expect(readStateNames(text)).toEqual({ problem: expect.stringMatching(message) });
  });
});
