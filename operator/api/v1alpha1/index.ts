// Generated from crds/ by npm run generate. Do not edit.
export * from './aws-account.ts';
export * from './aws-connection.ts';
export * from './aws-entitlement-binding.ts';
export * from './aws-reconciliation.ts';
