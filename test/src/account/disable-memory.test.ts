import { expect, test } from '@jest/globals';
import { FakeAws } from '../fake-aws.ts';
import { declare } from './material.ts';
import { Controller, usable } from './world.ts';

test.each(['throttled', 'unreachable', 'service'] as const)(
  'a memory that could not be written for now (%s) is written before anything is switched off',
  async (kind) => {
    const aws = new FakeAws();
    const user = aws.add('jo', {
      tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]),
      ssh: new Map([['APKA1', 'Active']]),
      certificates: new Map([['CERT1', 'Active']]),
    });
    const controller = new Controller({ aws });
    aws.refuse = ({ operation }) => (operation === 'TagUser' ? kind : undefined);
    await expect(controller.pass(declare({ enabled: false }), user)).rejects.toMatchObject({ kind });
    aws.refuse = () => undefined;
    await controller.again(declare({ enabled: false }), user);
    expect(usable(user)).toEqual([]);
    await controller.again(declare(), user);
    expect(usable(user)).toEqual(['APKA1', 'CERT1']);
  },
);
