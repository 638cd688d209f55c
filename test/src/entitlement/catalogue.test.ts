import { expect, test } from '@jest/globals';
import { PolicyCatalogue, type Reference } from '../../../src/entitlement/index.ts';
import { FakeAws } from '../fake-aws.ts';
import { FakeClock } from '../fake-clock.ts';

const { signal } = new AbortController();
const billing = 'arn:aws-cn:iam::aws:policy/job-function/Billing';

function catalogue(...policies: string[]) {
  const aws = new FakeAws();
  aws.pageSize = 2;
  aws.emptyPages = true;
  policies.forEach((arn) => aws.policies.add(arn));
  const clock = new FakeClock();
  const made = new PolicyCatalogue({ api: aws, clock });
  const find = (reference: Partial<Reference>) =>
    made.find(
      { type: 'AwsManagedPolicy', name: 'Billing', path: undefined, arn: undefined, ...reference },
      { signal },
    );
  return { aws, clock, made, find };
}

test('finds the ARN of a name, whatever its case and path; one reading for all who ask', async () => {
  const { aws, find } = catalogue('arn:aws-cn:iam::aws:policy/A', 'arn:aws-cn:iam::aws:policy/B', billing);
  const found = await Promise.all([find({}), find({ name: 'bILLING' }), find({ name: 'A' })]);
  expect(found[0]).toEqual({
    kind: 'found',
    entitlement: { type: 'AwsManagedPolicy', name: 'Billing', arn: billing },
  });
  expect(found[1]).toEqual(found[0]);
  expect(found[2].kind).toBe('found');
  const calls = aws.count('ListPolicies');
  await find({});
  expect(aws.count('ListPolicies')).toBe(calls);
});

test("the account's own policies are another list", async () => {
  const { find } = catalogue(billing, 'arn:aws-cn:iam::111122223333:policy/x/Own');
  expect((await find({ type: 'CustomerManagedPolicy' })).kind).toBe('missing');
  expect(await find({ type: 'CustomerManagedPolicy', name: 'own' })).toMatchObject({
    entitlement: { name: 'Own', arn: 'arn:aws-cn:iam::111122223333:policy/x/Own' },
  });
});

test('what is missing is read again, at most once a minute', async () => {
  const { aws, clock, find } = catalogue();
  aws.emptyPages = false;
  expect(await find({})).toMatchObject({ kind: 'missing', againMs: 60_000 });
  aws.policies.add(billing);
  await clock.advance(59_000);
  expect(await find({})).toMatchObject({ kind: 'missing', againMs: 1_000 });
  expect(aws.count('ListPolicies')).toBe(1);
  await clock.advance(1_000);
  expect((await find({})).kind).toBe('found');
  expect(aws.count('ListPolicies')).toBe(2);
});

test('an ARN is taken at its word until AWS says otherwise', async () => {
  const { aws, clock, made, find } = catalogue();
  aws.emptyPages = false;
  const found = await find({ arn: billing });
  expect(found.kind).toBe('found');
  expect(aws.calls).toEqual([]);
  if (found.kind === 'found') {
    made.doubt(found.entitlement);
  }
  expect((await find({ arn: billing })).kind).toBe('missing');
  aws.policies.add(billing);
  await clock.advance(60_000);
  expect((await find({ arn: billing })).kind).toBe('found');
});

test('a reading that fails is thrown, and the next one tries again', async () => {
  const { aws, find } = catalogue(billing);
  aws.refuse = () => 'accessDenied';
  await expect(find({})).rejects.toThrow('accessDenied');
  aws.refuse = () => undefined;
  expect((await find({})).kind).toBe('found');
});
