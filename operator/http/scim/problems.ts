import type { Refusal, WriteOutcome } from '../../../src/idhub/index.ts';
import { ScimError } from '../../../src/scim/index.ts';
import { Problem } from '../frame/index.ts';

type Status = ConstructorParameters<typeof Problem>[0];

/** What protocol errors are answered with; undefined for any other. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof ScimError)) {
    return undefined;
  }
  const { status, scimType, message, retryAfterMs, cause } = error;
  return new Problem(status as Status, message, {
    scimType,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs / 1_000 }),
  });
}

/** A refusal as SCIM tells it (RFC 7644, 3.12). */
export function refused({ kind, message }: Refusal): ScimError {
  switch (kind) {
    case 'missing':
      return new ScimError(404, message);
    case 'uniqueness':
    case 'mutability':
    case 'invalidValue':
      return new ScimError(kind, message);
    case 'forbidden':
      return new ScimError(403, message);
    case 'version':
      return new ScimError(412, message);
    // The request is right, and the account is not in a state that allows it.
    case 'quota':
    case 'conflict':
      return new ScimError(409, message);
  }
}

/**
 * What came of a write that is done.
 * @throws {ScimError} 503 where it is not done yet, and what `refused` makes of a refusal
 */
export function doneOf(outcome: WriteOutcome): Extract<WriteOutcome, { kind: 'done' }> {
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'pending':
      throw notYet(outcome);
    case 'refused':
      throw refused(outcome.refusal);
  }
}

/** What goes on, and may be asked for again. */
export function notYet({ message, retryAfterMs }: Extract<WriteOutcome, { kind: 'pending' }>): ScimError {
  return new ScimError(503, message, { retryAfterMs });
}
