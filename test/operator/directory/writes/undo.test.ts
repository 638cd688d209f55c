import { describe, expect, test } from '@jest/globals';
import { accountSchema } from '../../../../src/schema/index.ts';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import {
  fingerprint,
  newNote,
  noteOf,
  writeNote,
  type WriteNote,
} from '../../../../operator/directory/writes/note.ts';
import { backInAws, backInObject } from '../../../../operator/directory/writes/undo.ts';
import { account } from '../../controllers/material.ts';

const { schema } = accountSchema([], '');

function note(more: Partial<WriteNote>): WriteNote {
  const begun = newNote({ id: 'w', kind: 'change', key: 'k', at: 0, made: false, userId: 'AIDA1' });
  return { ...begun, ...more };
}

const mail = ['spec', 'attributes', 'mail'];

describe('a field goes back', () => {
  test.each<[string, Partial<AwsAccount['spec']>, WriteNote['fields'], object, object]>([
    [
      'to what the object said',
      { attributes: { mail: 'new' } },
      [{ at: mail, set: fingerprint('new'), was: 'old' }],
      { spec: { attributes: { mail: 'old' } } },
      { spec: { attributes: { mail: 'old' } } },
    ],
    [
      'to what AWS had where the object said nothing, and then to nothing',
      { attributes: { mail: 'new' } },
      [{ at: mail, set: fingerprint('new'), was: null, inAws: 'old' }],
      { spec: { attributes: { mail: 'old' } } },
      { spec: { attributes: null } },
    ],
    [
      'and the others stay',
      { attributes: { mail: 'new', city: 'Ulm' } },
      [{ at: mail, set: fingerprint('new'), was: null, inAws: 'old' }],
      { spec: { attributes: { mail: 'old' } } },
      { spec: { attributes: { mail: null } } },
    ],
    [
      'where it was taken out',
      {},
      [{ at: mail, set: null, was: 'old' }],
      { spec: { attributes: { mail: 'old' } } },
      { spec: { attributes: { mail: 'old' } } },
    ],
    [
      'not where somebody else has changed it',
      { attributes: { mail: 'theirs' } },
      [{ at: mail, set: fingerprint('new'), was: 'old' }],
      {},
      {},
    ],
    [
      'with all of an object, and no more',
      { console: { access: 'Managed', reset: { requestId: '1' } } },
      [
        {
          at: ['spec', 'console'],
          set: fingerprint({ access: 'Managed', reset: { requestId: '1' } }),
          was: { access: 'None' },
        },
      ],
      { spec: { console: { access: 'None', reset: null } } },
      { spec: { console: {} } },
    ],
    [
      'the management last, when AWS is as it was',
      { management: 'Manage' },
      [{ at: ['spec', 'management'], set: fingerprint('Manage'), was: 'Observe' }],
      {},
      { spec: { management: 'Observe' } },
    ],
  ])('%s', (_name, spec, fields, inAws, inObject) => {
    const wrote = account({ spec });
    const first = backInAws(wrote, note({ fields }));
    expect(first).toEqual(inAws);
    const back = applied(wrote, first);
    expect(backInObject(back, note({ fields }), { schema, tags: [] })).toEqual(inObject);
  });

  test('what stood on the object only to be put back is not ours to remove', () => {
    const memory = {
      account: '1',
      userName: 'jo',
      tags: ['city', 'mail'],
      boundary: null,
      written: {},
      since: 1,
    };
    const back = account({
      spec: { attributes: { mail: 'old' } },
      metadata: { annotations: { [annotations.applied]: JSON.stringify(memory) } },
    });
    const fields = [{ at: mail, set: fingerprint('new'), was: null, inAws: 'old' }];
    const patch = backInObject(back, note({ fields }), { schema, tags: [{ key: 'mail', value: 'old' }] });
    expect(JSON.parse(patch.annotations?.[annotations.applied] ?? '')).toEqual({ ...memory, tags: ['city'] });
  });
});

describe('an entry goes back', () => {
  const dev = { type: 'Group', name: 'Dev' } as const;
  const absent = { ...dev, state: 'Absent' } as const;
  const inline = { type: 'InlinePolicy', name: 'own' } as const;
  test.each<[string, object[], WriteNote['entries'], object, object]>([
    [
      'what was given is taken away, then nothing is said',
      [dev],
      [{ set: dev, was: null, had: false }],
      { spec: { entitlements: [absent] } },
      { spec: { entitlements: null } },
    ],
    [
      'what was taken is given again, then nothing is said',
      [absent],
      [{ set: absent, was: null, had: true }],
      { spec: { entitlements: [{ ...dev, onDelete: 'Keep' }] } },
      { spec: { entitlements: null } },
    ],
    [
      'what was declared is declared again',
      [absent],
      [{ set: absent, was: { ...dev, expiresAt: 'x' }, had: true }],
      { spec: { entitlements: [{ ...dev, expiresAt: 'x' }] } },
      {},
    ],
    ['what somebody took out stays out', [], [{ set: dev, was: null, had: false }], {}, {}],
    [
      'a document that nobody kept is not given again',
      [{ ...inline, state: 'Absent' }],
      [{ set: { ...inline, state: 'Absent' }, was: null, had: true }],
      { spec: { entitlements: null } },
      {},
    ],
  ])('%s', (_name, entitlements, entries, inAws, inObject) => {
    const wrote = account({ spec: { entitlements: entitlements as never } });
    const first = backInAws(wrote, note({ entries }));
    expect(first).toEqual(inAws);
    expect(backInObject(applied(wrote, first), note({ entries }), { schema, tags: [] })).toEqual(inObject);
  });
});

describe('the note on an object', () => {
  test('is read as it was written', () => {
    const written = note({ wants: { active: false }, fields: [{ at: mail, set: null, was: null }] });
    const read = noteOf(account({ metadata: { annotations: { [annotations.undo]: writeNote(written) } } }));
    expect(read).toEqual(written);
  });

  test.each(['', 'x', 'null', '[]', '{}', '{"id":"w","kind":"change"}', '"undo"'])(
    'that somebody spoilt says nothing: %s',
    (text) => {
      expect(noteOf(account({ metadata: { annotations: { [annotations.undo]: text } } }))).toBeUndefined();
    },
  );

  test('tells equal values, whatever the order of their fields', () => {
    expect(fingerprint({ a: 1, b: [{ c: 2, d: undefined }] })).toBe(fingerprint({ b: [{ c: 2 }], a: 1 }));
    expect(fingerprint({ a: 1 })).not.toBe(fingerprint({ a: '1' }));
    expect(fingerprint([1, 2])).not.toBe(fingerprint([2, 1]));
  });
});

/** RFC 7386, as far as these patches go. */
function applied(object: AwsAccount, { spec = {} }: { readonly spec?: object }): AwsAccount {
  const laid = (target: object, patch: object): object =>
    Object.fromEntries(
      Object.entries({ ...target, ...patch }).flatMap(([key, value]) => {
        const before: unknown = (target as Record<string, unknown>)[key];
        const change: unknown = (patch as Record<string, unknown>)[key];
        const map = typeof change === 'object' && change !== null && !Array.isArray(change);
        return change === null ? [] : [[key, map ? laid(before ?? {}, change) : value]];
      }),
    );
  return { ...object, spec: laid(object.spec, spec) as AwsAccount['spec'] };
}
