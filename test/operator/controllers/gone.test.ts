import { describe, expect, test } from '@jest/globals';
import { awsEntitlementBindingType } from '../../../operator/api/v1alpha1/index.ts';
import { unlessGone } from '../../../operator/controllers/gone.ts';
import { ApiError, after, done, type Client } from '../../../operator/runtime/index.ts';

const { signal } = new AbortController();
const missing = new ApiError({ code: 404, reason: 'NotFound', message: 'not found' });
const broken = new ApiError({ code: 500, reason: 'InternalError', message: 'broken' });

function look(work: () => Promise<ReturnType<typeof done>>, got: ApiError | undefined) {
  const get = () => (got === undefined ? Promise.resolve({}) : Promise.reject(got));
  return unlessGone(work, {
    client: { get } as unknown as Client,
    type: awsEntitlementBindingType,
    key: { namespace: 'ns', name: 'b' },
    signal,
  });
}

describe('a look at an object', () => {
  test('that goes well', async () => {
    expect(await look(() => Promise.resolve(after(5)), missing)).toEqual(after(5));
  });

  test('that is gone meanwhile is no failure', async () => {
    expect(await look(() => Promise.reject(missing), missing)).toEqual(done());
  });

  test.each<[string, ApiError, ApiError | undefined]>([
    ['another object is not there', missing, undefined],
    ['it is not known whether it is there', missing, broken],
    ['something else is wrong', broken, missing],
  ])('fails where %s', async (_name, error, got) => {
    await expect(look(() => Promise.reject(error), got)).rejects.toBe(error);
  });
});
