import { expect } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk, type DeskOptions } from './desk.ts';

export const secretName = 'jo-credentials';
export const managed = { console: { access: 'Managed' } } as const;
export const given = { console: { access: 'Managed', passwordSecretRef: { name: 'initial' } } } as const;
export const changeArn = 'arn:aws:iam::aws:policy/IAMUserChangePassword';
export const first = 'a-test-value-1-A';
export const second = 'a-test-value-2-B';

export async function deskWith(
  spec: Partial<AwsAccount['spec']> = managed,
  options: DeskOptions = {},
): Promise<Desk> {
  const desk = await new Desk(options).start();
  desk.cluster.vault.put('initial', { password: first });
  desk.cluster.apply('jo', spec);
  return desk;
}

export function user(desk: Desk) {
  const found = desk.aws.find('jo');
  if (found === undefined) {
    throw new Error('there is no jo');
  }
  return found;
}

export function memory(desk: Desk): Record<string, unknown> {
  const text = desk.cluster.object('jo').metadata.annotations?.[annotations.console];
  return JSON.parse(text ?? '{}') as Record<string, unknown>;
}

/** Writes to the password, with what it was. */
export function writes(desk: Desk): string[] {
  return desk.aws.writes.filter((operation) => operation.includes('LoginProfile'));
}

export function consoleCalls(desk: Desk, since = 0): string[] {
  return desk.aws.calls
    .slice(since)
    .map(({ operation }) => operation)
    .filter((operation) => /LoginProfile|PasswordPolicy|AttachedUser|achUserPolicy/.test(operation));
}

/** The user has the password that is in its Secret. */
export function expectPublished(desk: Desk, name = secretName): string {
  const data = desk.cluster.vault.data(name);
  expect(data).toMatchObject({ userName: 'jo', accountId: '111122223333' });
  const { password = '' } = data ?? {};
  expect(password.length).toBeGreaterThanOrEqual(20);
  expect(user(desk).password).toBe(password);
  return password;
}

export async function goOn(desk: Desk, ms: number): Promise<void> {
  desk.clock.ms += ms;
  await tick(desk);
}

/** As `run`, for accounts whose Secret is polled: they never come to rest. */
export async function tick(desk: Desk, name = 'jo'): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    try {
      await desk.reconcile(name);
    } catch (error) {
      if (!(error instanceof Error) || !/made-up|Conflict|has changed|answer is lost/.test(error.message)) {
        throw error;
      }
    }
    desk.clock.ms += 1_000;
  }
}
