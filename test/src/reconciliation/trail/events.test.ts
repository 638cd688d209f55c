import { describe, expect, test } from '@jest/globals';
import { readEvent, type RawEvent } from '../../../../src/reconciliation/trail/events.ts';

const at = new Date('2026-01-01T10:00:00Z');

interface Told {
  readonly source?: string;
  readonly request?: object | null;
  readonly answer?: object | null;
  readonly identity?: object;
  readonly more?: object;
}

function raw(name: string, told: Told = {}): RawEvent {
  const { source = 'iam.amazonaws.com', request = null, answer = null, more = {} } = told;
  const identity = told.identity ?? { type: 'AssumedRole', principalId: 'AROA1:session' };
  const record = {
    userIdentity: identity,
    requestParameters: request,
    responseElements: answer,
    ...more,
  };
  return {
    EventId: 'e1',
    EventName: name,
    EventTime: at,
    EventSource: source,
    CloudTrailEvent: JSON.stringify(record),
  };
}

const jo = { type: 'IAMUser', userName: 'Jo', principalId: 'AIDAJO' };

describe('C14: what an event speaks of', () => {
  const nothing = { edges: false, credentials: false };
  const edges = { edges: true, credentials: false };
  const credentials = { edges: false, credentials: true };

  test.each([
    ['CreateUser', nothing],
    // Inline policies go by the name of their user.
    ['UpdateUser', edges],
    ['DeleteUser', nothing],
    ['TagUser', nothing],
    ['UntagUser', nothing],
    ['PutUserPermissionsBoundary', nothing],
    ['DeleteUserPermissionsBoundary', nothing],
    ['AddUserToGroup', edges],
    ['RemoveUserFromGroup', edges],
    ['AttachUserPolicy', edges],
    ['DetachUserPolicy', edges],
    ['PutUserPolicy', edges],
    ['DeleteUserPolicy', edges],
    ['CreateLoginProfile', credentials],
    ['UpdateLoginProfile', credentials],
    ['DeleteLoginProfile', credentials],
    ['CreateAccessKey', credentials],
    ['UpdateAccessKey', credentials],
    ['DeleteAccessKey', credentials],
    ['EnableMFADevice', credentials],
    ['DeactivateMFADevice', credentials],
    ['UploadSSHPublicKey', nothing],
    ['UpdateSigningCertificate', nothing],
    ['DeleteServiceSpecificCredential', nothing],
    // Whatever IAM will have one day: all of the user is read.
    ['FrobnicateUser', { edges: true, credentials: true }],
  ])('%s of a user', (name, aspects) => {
    const event = readEvent(raw(name, { request: { userName: 'Jo', groupName: 'g' } }), false);
    expect(event).toMatchObject({ id: 'e1', at: at.getTime(), names: ['jo'], aspects });
    expect(event?.deletes).toBe(name === 'DeleteUser');
    // The group of a membership has not changed for its other members.
    expect(event?.groups).toEqual([]);
  });

  test('a rename names two', () => {
    const event = readEvent(raw('UpdateUser', { request: { userName: 'Jo', newUserName: 'Joan' } }), false);
    expect(event?.names).toEqual(['jo', 'joan']);
  });

  test('who is made has an id', () => {
    const answer = { user: { userName: 'Jo', userId: 'AIDAJO', path: '/' } };
    const event = readEvent(raw('CreateUser', { request: { userName: 'Jo' }, answer }), false);
    expect(event).toMatchObject({ names: ['jo'], ids: ['AIDAJO'], creates: true });
  });

  test.each([
    ['ChangePassword', { oldPassword: 'HIDDEN', newPassword: 'HIDDEN' }],
    ['CreateAccessKey', null],
    ['UpdateAccessKey', { accessKeyId: 'AKIA1', status: 'Inactive' }],
    ['DeactivateMFADevice', { serialNumber: 's' }],
    ['DeleteLoginProfile', null],
  ])('%s of a user about itself names nobody', (name, request) => {
    expect(readEvent(raw(name, { request, identity: jo }), false)).toMatchObject({
      names: ['jo'],
      ids: ['AIDAJO'],
    });
    expect(readEvent(raw(name, { request }), false)).toBeUndefined();
    expect(readEvent(raw(name, { request, identity: { type: 'Root' } }), false)).toBeUndefined();
  });

  test('what an administrator does is not about the administrator', () => {
    const event = readEvent(raw('DeleteUser', { request: { userName: 'sam' }, identity: jo }), false);
    expect(event).toMatchObject({ names: ['sam'], ids: [] });
  });

  test('a call that AWS refused changed nothing', () => {
    const refused = { request: { userName: 'Jo' }, more: { errorCode: 'AccessDenied' } };
    expect(readEvent(raw('CreateUser', refused), false)).toBeUndefined();
    expect(readEvent(raw('DeleteUser', { ...refused, request: null }), false)).toBeUndefined();
  });

  test.each([
    ['another service', raw('RunInstances', { source: 'ec2.amazonaws.com', request: { userName: 'jo' } })],
    ['a role', raw('TagRole', { request: { roleName: 'r' } })],
    ['the account', raw('UpdateAccountPasswordPolicy', { request: { minimumPasswordLength: 8 } })],
    ['no id', { ...raw('TagUser', { request: { userName: 'jo' } }), EventId: undefined }],
  ])('%s does not matter', (_, event) => {
    expect(readEvent(event, true)).toBeUndefined();
  });

  test('an event whose record cannot be read goes by what it is filed under', () => {
    const event = {
      ...raw('TagUser'),
      CloudTrailEvent: '{"userIdentity":',
      Resources: [
        { ResourceType: 'AWS::IAM::User', ResourceName: 'Jo' },
        { ResourceType: 'AWS::IAM::User', ResourceName: 'AIDAJOJOJOJOJOJOJO' },
        { ResourceType: 'AWS::IAM::User', ResourceName: 'arn:aws:iam::1:user/Jo' },
        { ResourceType: 'AWS::IAM::Policy', ResourceName: 'p' },
      ],
    };
    expect(readEvent(event, false)?.names).toEqual(['jo']);
  });

  test('names like the insides of an object are names', () => {
    const request = JSON.parse('{"userName":"constructor","__proto__":{"newUserName":"x"}}') as object;
    expect(readEvent(raw('TagUser', { request }), false)?.names).toEqual(['constructor']);
  });
});

describe('groups and policies', () => {
  test.each([
    ['UpdateGroup', { groupName: 'Ops', newGroupName: 'Dev' }, ['ops', 'dev'], false, true],
    ['AttachGroupPolicy', { groupName: 'Ops', policyArn: 'p' }, ['ops'], true, true],
    ['DetachGroupPolicy', { groupName: 'Ops', policyArn: 'p' }, ['ops'], true, true],
    ['PutGroupPolicy', { groupName: 'Ops', policyName: 'p' }, ['ops'], true, false],
    ['DeleteGroupPolicy', { groupName: 'Ops', policyName: 'p' }, ['ops'], true, false],
    ['CreateGroup', { groupName: 'Ops' }, [], false, true],
    ['DeleteGroup', { groupName: 'Ops' }, [], false, true],
  ])('%s', (name, request, groups, inherited, catalogue) => {
    const event = readEvent(raw(name, { request }), false);
    expect(event).toMatchObject({ names: [], groups, inherited, catalogue, policy: undefined });
  });

  test.each(['CreatePolicyVersion', 'DeletePolicyVersion', 'SetDefaultPolicyVersion', 'DeletePolicy'])(
    '%s',
    (name) => {
      const request = { policyArn: 'arn:aws:iam::1:policy/P' };
      expect(readEvent(raw(name, { request }), false)).toMatchObject({
        names: [],
        groups: [],
        policy: 'arn:aws:iam::1:policy/P',
        catalogue: name === 'DeletePolicy',
      });
    },
  );

  test.each(['AttachUserPolicy', 'DetachRolePolicy', 'DeleteRole', 'PutUserPermissionsBoundary'])(
    '%s may be the first or the last use of a policy',
    (name) => {
      expect(readEvent(raw(name, { request: { policyArn: 'p' } }), false)?.catalogue).toBe(true);
    },
  );

  test('a new policy is nobody’s yet', () => {
    const answer = { policy: { arn: 'arn:aws:iam::1:policy/P' } };
    expect(readEvent(raw('CreatePolicy', { request: { policyName: 'P' }, answer }), false)).toMatchObject({
      names: [],
      policy: undefined,
      catalogue: true,
    });
  });
});

describe('who signed in', () => {
  const signIn = { source: 'signin.amazonaws.com', identity: jo, answer: { ConsoleLogin: 'Success' } };

  test('is looked at where that is told', () => {
    expect(readEvent(raw('ConsoleLogin', signIn), true)).toMatchObject({ names: ['jo'], ids: ['AIDAJO'] });
    expect(readEvent(raw('ConsoleLogin', signIn), false)).toBeUndefined();
  });

  test('without success has a message and no code', () => {
    const failed = {
      ...signIn,
      answer: { ConsoleLogin: 'Failure' },
      more: { errorMessage: 'Failed authentication' },
    };
    expect(readEvent(raw('ConsoleLogin', failed), true)).toBeUndefined();
  });

  test('by a role is nobody', () => {
    const role = { ...signIn, identity: { type: 'AssumedRole', principalId: 'AROA1:x' } };
    expect(readEvent(raw('ConsoleLogin', role), true)).toBeUndefined();
  });
});
