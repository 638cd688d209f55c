export { accountCollection, entitlementCollection, groupCollection, type Collection } from './collection.ts';
export { Lists, type ListPage, type ListRequest, type ListsOptions } from './lists.ts';
