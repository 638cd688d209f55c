export { accountToCreate, accountToPatch, accountToReplace, type AccountContext } from './account.ts';
export { membersToPatch, membersToReplace, type MemberWrite } from './members.ts';
