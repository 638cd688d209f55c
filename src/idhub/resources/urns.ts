/** Of the vendor (its schema documents). */
export const accountUrn = 'urn:sath:params:scim:schemas:core:1.0:Account';
export const entitlementUrn = 'urn:sath:params:scim:schemas:core:1.0:Entitlement';

/** RFC 7643, 4. */
export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
