import { describe, expect, test } from '@jest/globals';
import { errorBody, ScimError, scimTypes, type ScimType } from '../../../src/scim/index.ts';

describe('an error (RFC 7644, 3.12)', () => {
  test.each([
    ['invalidFilter', '400'],
    ['tooMany', '400'],
    ['uniqueness', '409'],
    ['mutability', '400'],
    ['invalidSyntax', '400'],
    ['invalidPath', '400'],
    ['noTarget', '400'],
    ['invalidValue', '400'],
    ['invalidVers', '400'],
    ['sensitive', '403'],
  ] satisfies [ScimType, string][])('%s has the status %s, as a text', (scimType, status) => {
    expect(errorBody(new ScimError(scimType, 'Write something else.'))).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status,
      scimType,
      detail: 'Write something else.',
    });
  });

  test('the catalogue is whole', () => {
    expect(Object.keys(scimTypes)).toHaveLength(10);
  });

  test('without a keyword it has a status only', () => {
    const error = new ScimError(503, 'Later.', { retryAfterMs: 5_000 });
    expect(errorBody(error)).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '503',
      detail: 'Later.',
    });
    expect(error.retryAfterMs).toBe(5_000);
  });

  test('what caused it stays inside', () => {
    const error = new ScimError(500, 'It failed.', { cause: new Error('secret') });
    expect(JSON.stringify(errorBody(error))).not.toContain('secret');
  });
});
