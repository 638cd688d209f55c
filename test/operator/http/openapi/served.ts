import { OperationParser, RunParser } from '../../../../src/idhub/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import type { Mount } from '../../../../operator/http/frame/index.ts';
import { openApiMount } from '../../../../operator/http/openapi/index.ts';
import { reportsMount } from '../../../../operator/http/reports/index.ts';
import { webhookMount } from '../../../../operator/http/webhook/index.ts';
import { RunObjects } from '../../../../operator/webhook/index.ts';
import { World } from '../../webhook/desk.ts';
import { FakeAccess, reportOf } from '../served.ts';

/** Every mount of the port, on an account and a cluster in memory. */
export async function allMounts(world = new World()): Promise<readonly Mount[]> {
  const { desk, client } = await world.start();
  const { schema } = accountSchema([], '');
  return [
    webhookMount({
      operations: desk,
      runs: new RunObjects({ client, schemaOf: () => schema }),
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
