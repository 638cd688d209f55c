import type { Role, Session, User } from './state/index.ts';

interface Authenticated {
  readonly arn: string;
  /** `AIDA…`, or `AROA…:session` of an assumed role. */
  readonly userId: string;
  readonly accessKeyId: string;
  readonly session?: Session;
}

/** Who calls. Unsigned calls exist in STS only. */
export type Caller =
  | (Authenticated & { readonly kind: 'user'; readonly user: User })
  | (Authenticated & { readonly kind: 'role'; readonly role: Role; readonly sessionName: string })
  | {
      readonly kind: 'anonymous';
      readonly arn: string;
      readonly userId: string;
      readonly accessKeyId: string;
    };
