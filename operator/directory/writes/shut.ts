import type { Refusal } from '../../../src/idhub/index.ts';
import { annotations } from '../../controllers/names.ts';
import type { FieldChange, WriteNote } from './note.ts';

/**
 * A write that shuts somebody out: that is not taken back, whatever AWS refuses of it. To let a leaver in again is
 * worse than an account that is shut out in part, and a password that is gone could not be given back. The rest of
 * the write is taken back as ever. Pure.
 */
export function isShutting({ kind, wants }: WriteNote): boolean {
  return kind === 'change' && wants.active === false;
}

/** The write without what shuts out, so that all of that stays, and an object that goes on with it. Pure. */
export function withoutShut(note: WriteNote): WriteNote {
  return { ...note, made: false, fields: note.fields.filter((field) => !shutsOut(field)) };
}

/** Pure. */
export function keptShut(refusal: Refusal): Refusal {
  const message = `${refusal.message}; that the account is shut out stays, and what is missing of it is tried again`;
  return { ...refusal, message };
}

const shutting: Readonly<Record<string, readonly string[]>> = {
  annotations: [annotations.disabledBy, annotations.applied, annotations.userId],
  spec: ['enabled', 'management', 'deletionPolicy'],
};

/** Whether somebody may get in, and what has the object see to that. */
function shutsOut({ at: [root = '', name = ''] }: FieldChange): boolean {
  return shutting[root]?.includes(name) === true;
}
