import { TagUserCommand, UntagUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { changes, event, operations, patch, resyncs, settled, user, worldFor } from './support.ts';

const world = worldFor('attributes');
const ownerTag = 'aws.idhub.io/owner';

async function apply(name: string, spec: object): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
}

async function made(name: string, spec: object): Promise<void> {
  await apply(name, spec);
  await settled(world(), name);
}

async function tagsOf(name: string): Promise<Record<string, string>> {
  const { [ownerTag]: _owner, ...tags } = (await user(world(), name)).tags;
  return tags;
}

async function tag(name: string, tags: Readonly<Record<string, string>>): Promise<void> {
  await world().iam.send(
    new TagUserCommand({
      UserName: name,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
}

async function configure(spec: object): Promise<void> {
  await patch(world(), 'aws', { spec }, 'awsconnection');
  await world().until('awsconnection', 'aws', { status: 'True' });
}

/** A new process: what it wrote a moment ago no longer counts for more than what AWS shows. */
async function believe(): Promise<void> {
  await world().restartOperator();
  await resyncs(world(), 1);
}

/** The value as it was declared, decoded as docs describe it; by other means than the product's. */
function decode(tags: Readonly<Record<string, string>>, key: string): string {
  const parts = Number(/^idhub:1\/(\d+):/.exec(tags[key] ?? '')?.[1]);
  const text = Array.from({ length: parts }, (_, index) => {
    const part = tags[index === 0 ? key : `${key}.${index + 1}`] ?? '';
    expect(part.startsWith(`idhub:${index + 1}/${parts}:`)).toBe(true);
    expect(part.length).toBeLessThanOrEqual(256);
    return part.slice(part.indexOf(':', 'idhub:'.length) + 1);
  }).join('');
  return Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})|([^=])/gu, (_, hex: string | undefined, plain: string | undefined) =>
      hex === undefined
        ? Buffer.from(plain ?? '', 'utf8').toString('latin1')
        : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  ).toString('utf8');
}

describe('values are kept as tags, without loss', () => {
  test('what IAM takes stays plain; what it does not is encoded; what a person wrote is never misread', async () => {
    const street = `5, High St. & Søn's #${'ö'.repeat(600)}${'x'.repeat(400)}`;
    await configure({
      schema: { attributes: [{ name: 'note', maxLength: 4096, syncDirection: 'bi-directional' }] },
    });
    await made('people', {
      attributes: {
        givenName: 'Jürgen',
        surname: "O'Brien",
        displayName: 'Jürgen O’Brien (Berlin) 😀',
        streetAddress: street.slice(0, 1024),
        city: '東京 / Tokyo',
        usageLocation: 'London',
        mail: 'jo+x=1@corp.example',
        note: 'idhub:1/1:looks=20encoded',
      },
    });
    const tags = await tagsOf('people');
    expect(tags).toMatchObject({
      givenName: 'Jürgen',
      city: '東京 / Tokyo',
      usageLocation: 'London',
      mail: 'jo+x=1@corp.example',
      surname: 'idhub:1/1:O=27Brien',
    });
    expect(decode(tags, 'displayName')).toBe('Jürgen O’Brien (Berlin) 😀');
    expect(decode(tags, 'streetAddress')).toBe(street.slice(0, 1024));
    expect(decode(tags, 'note')).toBe('idhub:1/1:looks=20encoded');
    expect((await world().account('people')).status?.attributes).toEqual({
      note: 'idhub:1/1:looks=20encoded',
    });
    await resyncs(world(), 2);
    expect(await operations(world(), 'people')).toEqual(['CreateUser']);
  });

  test('a long value that becomes short leaves no parts behind; one that is removed goes; foreign tags stay', async () => {
    await made('shrinking', { attributes: { streetAddress: 'ä,'.repeat(400), surname: 'Doe' } });
    expect(Object.keys(await tagsOf('shrinking')).length).toBeGreaterThan(5);
    await tag('shrinking', { 'streetAddress.note': 'theirs', Cost: '1' });
    await resyncs(world(), 1);
    await apply('shrinking', { attributes: { streetAddress: 'Short St. 1', surname: 'Doe' } });
    await world().until('awsaccount', 'shrinking', { status: 'True' });
    expect(await tagsOf('shrinking')).toEqual({
      streetAddress: 'Short St. 1',
      surname: 'Doe',
      'streetAddress.note': 'theirs',
      Cost: '1',
    });
    await apply('shrinking', { attributes: { surname: 'Doe' } });
    await world().until('awsaccount', 'shrinking', { status: 'True' });
    expect(await tagsOf('shrinking')).toEqual({ surname: 'Doe', 'streetAddress.note': 'theirs', Cost: '1' });
  });

  test('what does not fit the schema is refused with a sentence, and nothing is written', async () => {
    const refused = async (name: string, attributes: object, says: RegExp): Promise<void> => {
      await apply(name, { attributes });
      const { message } = await world().until('awsaccount', name, {
        status: 'False',
        reason: 'InvalidAttribute',
      });
      expect(message).toMatch(says);
      expect(await world().simulator.user(name)).toBeUndefined();
    };
    await refused('unknown', { shoeSize: '46' }, /"shoeSize" is not in the account schema/);
    await refused('too-long', { employeeId: '1'.repeat(17) }, /employeeId.*17.*16/);
    await refused('not-one-of', { employeeType: 'Pirate' }, /employeeType.*Employee, Contractor/);
    await apply('both', { attributes: { city: 'Berlin' }, tags: { City: 'Bonn' } });
    const { message } = await world().until('awsaccount', 'both', { status: 'False', reason: 'InvalidTags' });
    expect(message).toContain('"City"');
    expect(await world().simulator.user('both')).toBeUndefined();
    await apply('unknown', { attributes: { employeeId: '46' } });
    await world().until('awsaccount', 'unknown', { status: 'True' });
    expect(await tagsOf('unknown')).toEqual({ employeeId: '46' });
  });
});

describe('the 50 tags of a user', () => {
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

  test('refused before the user is made, with the count', async () => {
    await apply('crowd', { tags: many(47), attributes: { givenName: 'Jo', surname: 'Doe', city: 'Bonn' } });
    const { message } = await world().until('awsaccount', 'crowd', {
      status: 'False',
      reason: 'TooManyTags',
    });
    expect(message).toMatch(/51 tags.*50/);
    expect(await operations(world(), 'crowd')).toEqual([]);
    await apply('crowd', { tags: many(47), attributes: { givenName: 'Jo', surname: 'Doe' } });
    await world().until('awsaccount', 'crowd', { status: 'True' });
    expect(Object.keys((await user(world(), 'crowd')).tags)).toHaveLength(50);
  });

  test('foreign tags count; nothing of ours is half written', async () => {
    await made('guest', { tags: many(3) });
    await tag(
      'guest',
      Object.fromEntries(Array.from({ length: 46 }, (_, index) => [`foreign${index}`, 'x'])),
    );
    await resyncs(world(), 1);
    await apply('guest', { tags: { ...many(3), k0: 'changed', one: 'more' } });
    const { message } = await world().until('awsaccount', 'guest', {
      status: 'False',
      reason: 'TooManyTags',
    });
    expect(message).toMatch(/51/);
    expect((await tagsOf('guest'))['k0']).toBe('v');
    await believe();
    await world().iam.send(new UntagUserCommand({ UserName: 'guest', TagKeys: ['foreign0'] }));
    await world().until('awsaccount', 'guest', { status: 'True' });
    expect(await tagsOf('guest')).toMatchObject({ k0: 'changed', one: 'more' });
  });
});

describe('tags of others', () => {
  test('a foreign tag under the same key in other case is not overwritten silently', async () => {
    await made('cases', { tags: { mine: '1' } });
    await tag('cases', { DEPARTMENT: 'theirs' });
    await resyncs(world(), 1);
    await apply('cases', { tags: { mine: '2' }, attributes: { department: 'ours' } });
    const { message } = await world().until('awsaccount', 'cases', {
      status: 'False',
      reason: 'TagConflict',
    });
    expect(message).toContain('"DEPARTMENT"');
    expect(await tagsOf('cases')).toEqual({ mine: '2', DEPARTMENT: 'theirs' });
    await believe();
    await world().iam.send(new UntagUserCommand({ UserName: 'cases', TagKeys: ['DEPARTMENT'] }));
    await world().until('awsaccount', 'cases', { status: 'True' });
    expect(await tagsOf('cases')).toEqual({ mine: '2', department: 'ours' });
  });

  test('keys that differ only in case are refused at apply, both named', async () => {
    await expect(apply('twice', { tags: { Dept: 'a', dept: 'b' } })).rejects.toThrow(
      /"Dept" and "dept"|"dept" and "Dept"/,
    );
    await expect(apply('reserved', { tags: { 'aws:x': 'a' } })).rejects.toThrow(/aws:/);
    await expect(apply('ours', { tags: { [ownerTag]: 'me' } })).rejects.toThrow(/aws\.idhub\.io/);
  });
});

describe('the schema of a connection', () => {
  test('added, renamed, with a key of its own, removed, and a prefix before all', async () => {
    await configure({
      settings: { attributeTagPrefix: 'hr:' },
      schema: {
        attributes: [
          { name: 'badge', tagKey: 'Badge Number' },
          { name: 'familyName', renames: 'surname' },
          { name: 'mobilePhone', removed: true },
        ],
      },
    });
    await made('shaped', {
      attributes: { badge: '7', familyName: 'Doe', city: 'Bonn' },
      tags: { plain: 'p' },
    });
    expect(await tagsOf('shaped')).toEqual({
      'hr:Badge Number': '7',
      'hr:surname': 'Doe',
      'hr:city': 'Bonn',
      plain: 'p',
    });
    await apply('no-phone', { attributes: { mobilePhone: '1' } });
    await world().until('awsaccount', 'no-phone', { status: 'False', reason: 'InvalidAttribute' });
    await apply('no-surname', { attributes: { surname: '1' } });
    await world().until('awsaccount', 'no-surname', { status: 'False', reason: 'InvalidAttribute' });
    // A change of the prefix moves what is ours, in one untag and one tag.
    await world().simulator.resetCalls();
    await configure({ settings: { attributeTagPrefix: null } });
    await eventually(async () => ((await tagsOf('shaped'))['city'] === 'Bonn' ? true : undefined));
    await world().until('awsaccount', 'shaped', { status: 'True' });
    expect(await tagsOf('shaped')).toEqual({ 'Badge Number': '7', surname: 'Doe', city: 'Bonn', plain: 'p' });
    expect(await changes(world(), 'shaped')).toEqual(['UntagUser', 'TagUser']);
  });

  test('syncDirection: who leads', async () => {
    await configure({
      schema: {
        attributes: [
          { name: 'department', syncDirection: 'idhub-to-app' },
          { name: 'jobTitle', syncDirection: 'app-to-idhub' },
          { name: 'city', syncDirection: 'bi-directional' },
          { name: 'country', syncDirection: 'no-sync' },
        ],
      },
    });
    const attributes = { department: 'ours', jobTitle: 'ours', city: 'ours', country: 'ours' };
    await made('led', { attributes });
    // Only what we lead for, or share the lead of, is written when the user is made.
    expect(await tagsOf('led')).toEqual({ department: 'ours', city: 'ours' });
    await believe();
    await tag('led', { department: 'theirs', jobTitle: 'theirs', city: 'theirs', country: 'theirs' });
    await eventually(async () => ((await tagsOf('led'))['department'] === 'ours' ? true : undefined));
    await resyncs(world(), 1);
    expect(await tagsOf('led')).toEqual({
      department: 'ours',
      jobTitle: 'theirs',
      city: 'theirs',
      country: 'theirs',
    });
    expect((await world().account('led')).status?.attributes).toEqual({ jobTitle: 'theirs', city: 'theirs' });
    await world().until('awsaccount', 'led', { status: 'True' });
    await event(world(), 'led', 'DriftMended');
    expect(await changes(world(), 'led')).toEqual(['CreateUser', 'TagUser']);
    // A change of the spec is written where we share the lead; an unrelated one writes nothing of it.
    await patch(world(), 'led', { spec: { tags: { unrelated: 'yes' } } });
    await world().until('awsaccount', 'led', { status: 'True' });
    expect((await tagsOf('led'))['city']).toBe('theirs');
    await patch(world(), 'led', {
      spec: { attributes: { ...attributes, jobTitle: 'again', city: 'again', country: 'again' } },
    });
    await world().until('awsaccount', 'led', { status: 'True' });
    expect(await tagsOf('led')).toEqual({
      department: 'ours',
      jobTitle: 'theirs',
      city: 'again',
      country: 'theirs',
      unrelated: 'yes',
    });
  });
});
