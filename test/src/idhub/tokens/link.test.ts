import { describe, expect, test } from '@jest/globals';
import {
  IdhubConnection,
  type LinkReport,
  type LinkSecret,
  type ResourceAttributes,
} from '../../../../src/idhub/tokens/index.ts';
import { FakeClock } from '../../fake-clock.ts';
import { answer, FakeIdhub } from './fake-idhub.ts';

const guide = {
  hostname: 'idhub.test',
  realm: 'alpha',
  clientId: 'AWS-connector',
  refreshToken: 'refresh-0-canary',
};
const never = new AbortController().signal;

class MemorySecret implements LinkSecret {
  entries: Record<string, string> | undefined;
  fault: Error | undefined;
  saveFault: Error | undefined;
  saves: string[] = [];

  constructor(entries: Record<string, string> | undefined) {
    this.entries = entries;
  }

  read(): Promise<Record<string, string> | undefined> {
    return this.fault === undefined ? Promise.resolve(this.entries) : Promise.reject(this.fault);
  }

  save(refreshToken: string, previous: string | undefined): Promise<'saved' | 'superseded'> {
    if (this.saveFault !== undefined) {
      return Promise.reject(this.saveFault);
    }
    if (this.entries?.['refreshToken'] !== previous) {
      return Promise.resolve('superseded');
    }
    this.entries = { ...this.entries, refreshToken };
    this.saves.push(refreshToken);
    return Promise.resolve('saved');
  }
}

interface Set {
  readonly idhub: FakeIdhub;
  readonly secret: MemorySecret;
  readonly clock: FakeClock;
  readonly link: IdhubConnection;
  readonly seen: string[];
  readonly secrets: string[];
  lead: boolean;
  readonly look: () => Promise<LinkReport>;
}

function stage(entries: Record<string, string> | undefined = guide, resources: ResourceAttributes = {}): Set {
  const idhub = new FakeIdhub();
  const secret = new MemorySecret(entries);
  const clock = new FakeClock();
  const seen: string[] = [];
  const secrets: string[] = [];
  const set: Set = {
    idhub,
    secret,
    clock,
    seen,
    secrets,
    lead: true,
    link: new IdhubConnection({
      secret,
      send: idhub.send,
      clock,
      random: () => 0.5,
      protectSecret: (value, life) => void secrets.push(life === 'passing' ? value : 'kept for ever'),
      resources: () => resources,
      observe: (request, outcome) => void seen.push(`${request} ${outcome}`),
      leads: () => set.lead,
      intervalMs: 60_000,
    }),
    look: () => set.link.look(never),
  };
  return set;
}

const refused = Object.assign(new Error('connect with token refresh-0-canary'), { code: 'ECONNREFUSED' });

describe('the link to IDHub', () => {
  test('offline token, refresh, exchange, TargetSystem and /info', async () => {
    const { idhub, secret, look, seen } = stage();
    expect(await look()).toEqual({
      state: 'UP',
      message: 'IDHub at idhub.test takes the token',
      checkedAt: Date.UTC(2026, 0, 1),
      version: '4.2.1',
    });
    expect(idhub.requests).toEqual([
      'refresh_token',
      'token-exchange',
      '/api/dataservices/TargetSystem',
      '/info',
    ]);
    expect(secret.saves).toEqual(['refresh-1-canary']);
    expect(seen).toEqual(['refresh ok', 'store ok', 'exchange ok', 'target-system ok', 'info ok']);
  });

  test('while the token lasts nobody asks Keycloak; then the refresh token that is kept is shown', async () => {
    const { idhub, secret, look, clock } = stage();
    await look();
    idhub.requests.length = 0;
    await clock.advance(269_000);
    expect((await look()).state).toBe('UP');
    expect(idhub.requests).toEqual(['/api/dataservices/TargetSystem', '/info']);
    await clock.advance(2_000);
    expect((await look()).state).toBe('UP');
    expect(secret.saves).toHaveLength(2);
    expect(secret.entries?.['refreshToken']).toBe(idhub.refreshToken);
  });

  test('where refresh tokens do not rotate the Secret is not written', async () => {
    const { idhub, secret, look, clock } = stage();
    idhub.rotates = false;
    await look();
    await clock.advance(300_000);
    expect((await look()).state).toBe('UP');
    expect(secret.saves).toEqual([]);
  });

  test('a rotated token that cannot be kept: nothing is done with it, no second refresh, and later all goes on', async () => {
    const { idhub, secret, look, clock, seen } = stage();
    secret.saveFault = refused;
    const report = await look();
    expect(report).toMatchObject({ state: 'DOWN', message: expect.stringContaining('cannot be written') });
    await clock.advance(5_000);
    await look();
    expect(idhub.requests).toEqual(['refresh_token']);
    secret.saveFault = undefined;
    await clock.advance(60_000);
    expect((await look()).state).toBe('UP');
    expect(idhub.requests).toEqual([
      'refresh_token',
      'token-exchange',
      '/api/dataservices/TargetSystem',
      '/info',
    ]);
    expect(seen.slice(0, 4)).toEqual(['refresh ok', 'store unstored', 'store unstored', 'store ok']);
    expect(secret.saves).toEqual(['refresh-1-canary']);
  });

  test('a person’s new refresh token wins over ours, and is used with the next look', async () => {
    const { idhub, secret, look, clock } = stage();
    const gate = Promise.withResolvers<void>();
    idhub.gate = gate.promise;
    const first = look();
    await clock.advance(0);
    secret.entries = { ...guide, refreshToken: 'refresh-of-a-person' };
    gate.resolve();
    await first;
    expect(secret.entries['refreshToken']).toBe('refresh-of-a-person');
    idhub.refreshToken = 'refresh-of-a-person';
    idhub.requests.length = 0;
    await clock.advance(60_000);
    expect((await look()).state).toBe('UP');
    expect(idhub.requests[0]).toBe('refresh_token');
    expect(secret.entries?.['refreshToken']).toBe(idhub.refreshToken);
  });

  test('a refused refresh token: DOWN with what to do; a new one in the Secret is used at once', async () => {
    const { idhub, secret, look } = stage({ ...guide, refreshToken: 'stale-canary' });
    const report = await look();
    expect(report.state).toBe('DOWN');
    expect(report.message).toContain('refuses with 400: invalid_grant it is not taken');
    expect(report.message).toContain('Get a new offline token');
    secret.entries = { ...guide, refreshToken: idhub.refreshToken };
    expect((await look()).state).toBe('UP');
  });

  test('a refused refresh token and a service account: signed in anew, without anybody', async () => {
    const { idhub, secret, look } = stage({
      ...guide,
      refreshToken: 'stale-canary',
      username: 'AWS-service-account',
      password: 'password-canary',
    });
    expect((await look()).state).toBe('UP');
    expect(idhub.requests.slice(0, 3)).toEqual(['refresh_token', 'password', 'token-exchange']);
    expect(secret.entries?.['refreshToken']).toBe('refresh-1-canary');
  });

  test('client_credentials: nothing is kept', async () => {
    const { idhub, secret, look } = stage({ ...guide, refreshToken: '', clientSecret: 'secret-canary' });
    expect((await look()).state).toBe('UP');
    expect(idhub.requests.slice(0, 2)).toEqual(['client_credentials', 'token-exchange']);
    expect(secret.saves).toEqual([]);
  });

  test('a token that IDHub does not take any more is replaced once', async () => {
    const { idhub, look } = stage();
    await look();
    idhub.revokeBearer();
    idhub.requests.length = 0;
    expect((await look()).state).toBe('UP');
    expect(idhub.requests).toEqual([
      '/api/dataservices/TargetSystem',
      'refresh_token',
      'token-exchange',
      '/api/dataservices/TargetSystem',
      '/info',
    ]);
  });

  test.each<[string, string, ReturnType<typeof answer> | Error, string, string]>([
    ['Keycloak is away', 'refresh_token', refused, 'DOWN', 'does not answer: ECONNREFUSED'],
    ['Keycloak is out of order', 'refresh_token', answer(502, '<html>'), 'DOWN', 'answers 502'],
    ['Keycloak is no Keycloak', 'refresh_token', answer(200, '<html>'), 'DOWN', 'without an access token'],
    [
      'a token that has expired',
      'refresh_token',
      answer(200, { access_token: 'x', expires_in: 0 }),
      'DOWN',
      'without an access token',
    ],
    [
      'a token with a line end',
      'refresh_token',
      answer(200, { access_token: 'x\r\ny: z' }),
      'DOWN',
      'without an access token',
    ],
    [
      'an echo of the token',
      'refresh_token',
      answer(400, { error: 'invalid_grant', error_description: 'no refresh-0-canary here' }),
      'DOWN',
      'invalid_grant no [redacted] here',
    ],
    [
      'a code that is none',
      'refresh_token',
      answer(400, { error: '<script>' }),
      'DOWN',
      'refuses with 400. Get',
    ],
    [
      'an exchange that is refused',
      'token-exchange',
      answer(403, { error: 'access_denied' }),
      'DOWN',
      'exchangeRealm',
    ],
    [
      'an exchange without openid',
      'token-exchange',
      answer(500, { error: 'unknown_error' }),
      'DOWN',
      'scope openid',
    ],
    [
      'IDHub is away',
      '/api/dataservices/TargetSystem',
      refused,
      'DOWN',
      'IDHub at idhub.test does not answer: ECONNREFUSED',
    ],
    ['IDHub refuses', '/api/dataservices/TargetSystem', answer(403, {}), 'DOWN', 'does not take the token'],
    [
      'IDHub is out of service',
      '/api/dataservices/TargetSystem',
      answer(503, {}),
      'OUT_OF_SERVICE',
      'answers 503',
    ],
    [
      'IDHub has no such address',
      '/api/dataservices/TargetSystem',
      answer(404, {}),
      'DOWN',
      'answers 404 to /api/dataservices/TargetSystem',
    ],
    ['IDHub has no /info', '/info', answer(404, {}), 'UNKNOWN', 'nothing to compare with'],
    ['/info does not answer', '/info', refused, 'DOWN', 'does not answer'],
    ['/info is no JSON', '/info', answer(200, '<html>'), 'UNKNOWN', 'nothing to compare with'],
  ])('%s', async (_, name, fault, state, sentence) => {
    const { idhub, look, clock } = stage();
    idhub.faults.set(name, fault);
    const report = await look();
    expect(report.state).toBe(state);
    expect(report.message).toContain(sentence);
    expect(report.message).not.toContain('canary');
    idhub.faults.clear();
    await clock.advance(60_000);
    expect((await look()).state).toBe('UP');
  });

  test('/info of another version, or with attributes that we have not: UNKNOWN', async () => {
    const other = stage({ ...guide, idhubVersions: '5' });
    expect(await other.look()).toMatchObject({
      state: 'UNKNOWN',
      version: '4.2.1',
      message: expect.stringContaining('idhubVersions takes 5'),
    });
    const attributes = stage(guide, { Account: ['userName', 'mail'] });
    attributes.idhub.info = {
      resources: [
        {
          name: 'urn:sath:params:scim:schemas:core:1.0:Account',
          attributes: [{ name: 'mail' }, { name: 'shoeSize' }],
        },
      ],
    };
    expect(await attributes.look()).toMatchObject({
      state: 'UNKNOWN',
      message: expect.stringContaining("IDHub's schema of Account has shoeSize"),
    });
    attributes.idhub.info = {
      resources: [{ name: 'Account', attributes: [{ name: 'mail' }] }, 7, { name: 'Other' }],
    };
    expect((await attributes.look()).state).toBe('UP');
  });

  test.each<[string, Record<string, string> | undefined, string]>([
    ['no Secret', undefined, 'is not there'],
    ['a Secret that makes no sense', { hostname: 'h' }, 'entry "realm" is missing'],
  ])('%s: NOT_CONFIGURED, nobody is asked; once there is one it is used', async (_, entries, sentence) => {
    const { idhub, secret, look, clock } = stage(entries);
    secret.entries = entries;
    expect(await look()).toMatchObject({
      state: 'NOT_CONFIGURED',
      message: expect.stringContaining(sentence),
    });
    expect(idhub.requests).toEqual([]);
    secret.entries = guide;
    await clock.advance(1);
    expect((await look()).state).toBe('UP');
  });

  test('without --idhub-secret: NOT_CONFIGURED', async () => {
    const { clock, idhub } = stage();
    const link = new IdhubConnection({
      secret: undefined,
      send: idhub.send,
      clock,
      random: () => 0,
      protectSecret: () => undefined,
      resources: () => ({}),
      observe: () => undefined,
      leads: () => true,
      intervalMs: 60_000,
    });
    expect(await link.check(never)).toMatchObject({ state: 'NOT_CONFIGURED' });
    expect(idhub.requests).toEqual([]);
  });

  test('the API server is away: what is known still holds', async () => {
    const { secret, look, link } = stage();
    secret.fault = refused;
    expect(await look()).toMatchObject({
      state: 'UNKNOWN',
      message: 'the Secret of IDHub cannot be read now',
    });
    secret.fault = undefined;
    await look();
    secret.fault = refused;
    expect((await look()).state).toBe('UP');
    expect(link.report().state).toBe('UP');
  });

  test('fifty who ask at once: one look', async () => {
    const { idhub, link } = stage();
    const reports = await Promise.all(Array.from({ length: 50 }, () => link.check(never)));
    expect(new Set(reports).size).toBe(1);
    expect(idhub.requests).toHaveLength(4);
  });

  test('a check of a moment ago is given again, an older one is not', async () => {
    const { idhub, link, clock } = stage();
    await link.check(never);
    await clock.advance(4_999);
    await link.check(never);
    expect(idhub.requests).toHaveLength(4);
    await clock.advance(1);
    await link.check(never);
    expect(idhub.requests).toHaveLength(6);
  });

  test('whoever leaves does not take the look with them', async () => {
    const { idhub, link, secret } = stage();
    const gate = Promise.withResolvers<void>();
    idhub.gate = gate.promise;
    const leaver = new AbortController();
    const left = link.check(leaver.signal);
    const stays = link.check(never);
    leaver.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    gate.resolve();
    expect((await stays).state).toBe('UP');
    expect(secret.saves).toEqual(['refresh-1-canary']);
  });

  test('at the end a rotated token still gets to the Secret, and nothing more is begun', async () => {
    const { idhub, link, secret, look, clock } = stage();
    const gate = Promise.withResolvers<void>();
    idhub.gate = gate.promise;
    const leaver = new AbortController();
    const left = link.look(leaver.signal);
    await clock.advance(0);
    leaver.abort(new Error('the manager stops'));
    await expect(left).rejects.toThrow('the manager stops');
    const closed = link.close();
    gate.resolve();
    await closed;
    expect(secret.entries?.['refreshToken']).toBe(idhub.refreshToken);
    idhub.requests.length = 0;
    await clock.advance(600_000);
    await look();
    expect(idhub.requests).toEqual([]);
  });

  test('who does not lead asks nobody', async () => {
    const set = stage();
    set.lead = false;
    expect(await set.look()).toMatchObject({ state: 'UNKNOWN', message: 'IDHub was not asked yet' });
    expect(set.idhub.requests).toEqual([]);
  });

  test('after failures the next look comes soon, then less and less often, and Keycloak is not asked in a pause', async () => {
    const { idhub, link, look, clock } = stage();
    idhub.faults.set('refresh_token', refused);
    const pauses: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      await look();
      pauses.push(link.pauseMs());
      await look();
      await clock.advance(link.pauseMs());
    }
    expect(pauses[0]).toBe(750);
    expect(pauses.at(-1)).toBe(45_000);
    expect(idhub.requests).toHaveLength(8);
    idhub.faults.clear();
    await look();
    expect(link.pauseMs()).toBe(60_000);
  });

  test('every token and password is kept out of logs', async () => {
    const { secrets, look } = stage({
      ...guide,
      username: 'u',
      password: 'password-canary',
      clientSecret: 'secret-canary',
    });
    await look();
    expect(secrets).toEqual(
      expect.arrayContaining([
        'refresh-0-canary',
        'password-canary',
        'secret-canary',
        'subject-1-canary',
        'refresh-1-canary',
        'bearer-2-canary',
      ]),
    );
  });

  test('tokens that live for a moment only are said, and asked for a few times only', async () => {
    const { idhub, look, clock } = stage();
    idhub.lifeSeconds = 0.001;
    const send = idhub.send;
    const slow = new IdhubConnection({
      secret: new MemorySecret(guide),
      send: async (...request) => {
        const given = await send(...request);
        void clock.advance(1);
        return given;
      },
      clock: { now: () => clock.now() + idhub.requests.length, sleep: (...wait) => clock.sleep(...wait) },
      random: () => 0,
      protectSecret: () => undefined,
      resources: () => ({}),
      observe: () => undefined,
      leads: () => true,
      intervalMs: 60_000,
    });
    expect(await slow.look(never)).toMatchObject({
      state: 'DOWN',
      message: expect.stringContaining('expire before they can be used'),
    });
    expect(idhub.requests.length).toBeLessThan(10);
    void look;
  });
});
