import type { ObservedUser } from '../../../src/account/index.ts';
import {
  DirectoryUnavailableError,
  type AccountWrite,
  type ConnectionName,
  type DirectoryAccount,
  type Refusal,
  type WriteContext,
  type WriteOutcome,
} from '../../../src/idhub/index.ts';
import type { Snapshot } from '../../../src/reconciliation/index.ts';
import { awsAccountType, type AwsAccount, type AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import {
  isEnabled,
  passwordHashOf,
  passwordStanding,
  UnusablePasswordKey,
  userKeyOf,
  type PasswordKey,
} from '../../controllers/account/index.ts';
import { othersOnEdge } from '../../controllers/binding/index.ts';
import {
  usable,
  type ConnectionRegistry,
  type UsableConnection,
} from '../../controllers/connection/index.ts';
import { annotations, finalizer, hasFinalizer, isTrue } from '../../controllers/names.ts';
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isNotFound,
  keyOf,
  keyString,
  NotLeadingError,
  TransportError,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import type { DirectoryWrites, LatestViews } from '../ports.ts';
import {
  checkChange,
  checkGiven,
  checkMaking,
  checkOwner,
  checkUser,
  checkValues,
  refused,
} from './checks.ts';
import { holderOf } from './find.ts';
import { canonical, noteOf, operationOf, writeNote, type PasswordNote, type WriteNote } from './note.ts';
import { accountFor, freeName, newAccount } from './objects.ts';
import { PasswordSecrets, passwordSecret } from './password.ts';
import { freshMemory, isEmpty, isRefusal, patched, planWrite, type Planned } from './plan.ts';
import type { Settled, Ticket, Waiting } from './waiting.ts';
