import { Lists, OperationParser, readStateNames, RunParser } from '../../../../src/idhub/index.ts';
import { connectorMount } from '../../../../operator/http/connector/index.ts';
import type { Mount } from '../../../../operator/http/frame/index.ts';
import { openApiMount } from '../../../../operator/http/openapi/index.ts';
import { reportsMount } from '../../../../operator/http/reports/index.ts';
import { scimMounts } from '../../../../operator/http/scim/index.ts';
import { webhookMount } from '../../../../operator/http/webhook/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { RunObjects } from '../../../../operator/webhook/index.ts';
import { inGroup } from '../../../src/idhub/directory.ts';
import { World } from '../../webhook/desk.ts';
import { fakeDirectories, FakeDirectory } from '../scim/fake-directory.ts';
import { FakeAccess, reportOf } from '../served.ts';

/** Every mount of the port, as the operator puts them together, on an account and a cluster in memory. */
export async function allMounts(directory = new FakeDirectory()): Promise<readonly Mount[]> {
  directory.has({ userName: 'jo', entitlements: [inGroup('readers')] });
  const world = new World({ host: { directory, latest: () => directory.latest() } });
  const { desk, client } = await world.start();
  const { clock } = world;
  const states = readStateNames('');
  if ('problem' in states) {
    throw new Error(states.problem);
  }
  return [
    ...scimMounts({
      directories: fakeDirectories(directory),
      lists: new Lists({ clock }),
      clock,
      logger: createLogger({ level: 'error', clock, write: () => undefined }),
    }),
    connectorMount({
      target: {
        standing: () => ({ state: 'UP', message: 'AWS answers' }),
        test: () => Promise.resolve({ state: 'UP', message: 'AWS answers' }),
        schema: () => directory.schema,
      },
      idhub: {
        check: () =>
          Promise.resolve({
            state: 'UP',
            message: 'IDHub answers',
            checkedAt: undefined,
            version: undefined,
          }),
      },
      version: '1.2.3',
      businessOwner: 'Jerome',
      itOwner: undefined,
      states: states.names,
      defaultConnection: undefined,
    }),
    webhookMount({
      operations: desk,
      runs: new RunObjects({ client, schemaOf: () => directory.schema }),
      parser: new OperationParser(),
      runParser: new RunParser(),
    }),
    reportsMount({
      access: new FakeAccess(),
      reports: { open: () => Promise.resolve(reportOf([{ name: 'jo' }])) },
    }),
    openApiMount({ version: '1.2.3' }),
  ];
}
