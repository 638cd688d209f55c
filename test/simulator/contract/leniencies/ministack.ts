import { cloudTrailApi, deleteConflict, iamApi, settledBy, succeeds, type Leniency } from './leniency.ts';

const notImplemented = 'InvalidAction 400';
const boundaryType = {
  'result.User.PermissionsBoundary.PermissionsBoundaryType': ['PermissionsBoundaryPolicy', 'Policy'],
} as const;

/** ministack 1.5.33. It has no paging of IAM lists and no UpdateUser, so it is asked little. */
export const ministackLeniencies: readonly Leniency[] = [
  // AWS sends what the text says, not the value that the enumeration lists.
  ...settledBy(
    iamApi('AttachedPermissionsBoundary'),
    {},
    {
      'boundaries: create a user with one': boundaryType,
      'boundaries: get': boundaryType,
      'boundaries: get the new one': boundaryType,
    },
  ),
  ...settledBy(iamApi('DeleteUser'), {
    'conflict: delete the owner of a login profile': [succeeds, deleteConflict],
    'conflict: delete the owner of an inline policy': [succeeds, deleteConflict],
    'conflict: delete the owner of an SSH key': [succeeds, deleteConflict],
    'conflict: delete the owner of a signing certificate': [succeeds, deleteConflict],
    'conflict: delete the owner of a service-specific credential': [succeeds, deleteConflict],
    'conflict: delete the owner of an MFA device': [succeeds, deleteConflict],
    'conflict: delete the owner of a group': [succeeds, deleteConflict],
  }),
  ...settledBy(iamApi('UploadSSHPublicKey'), {
    'conflict: give an SSH key, call 1': [notImplemented, succeeds],
  }),
  ...settledBy(iamApi('UploadSigningCertificate'), {
    'conflict: give a signing certificate, call 1': [notImplemented, succeeds],
  }),
  ...settledBy(iamApi('CreateServiceSpecificCredential'), {
    'conflict: give a service-specific credential, call 1': [notImplemented, succeeds],
  }),
  ...settledBy(
    cloudTrailApi('LookupEvents'),
    {
      'trail: above 50 a page': [succeeds, 'InvalidMaxResultsException 400'],
      'trail: by two attributes': [succeeds, 'InvalidLookupAttributesException 400'],
      'trail: by an unknown attribute': [succeeds, 'InvalidLookupAttributesException 400'],
      'trail: a token that never was': [succeeds, 'InvalidNextTokenException 400'],
    },
    { 'trail: one a page': { 'result.NextToken': [undefined, '<NextToken>'] } },
  ),
  // It calls every event of a query-protocol service POST.<service>.
  ...settledBy(
    cloudTrailApi('Event'),
    {},
    {
      'trail: by event name': {
        result: [
          [],
          [
            {
              EventName: 'DeleteAccountPasswordPolicy',
              EventSource: 'iam.amazonaws.com',
              ReadOnly: 'false',
            },
          ],
        ],
      },
    },
  ),
  ...settledBy(
    'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html',
    {},
    { 'trail: the newest of a source': { 'result.0.record.readOnly': ['false', false] } },
  ),
];
