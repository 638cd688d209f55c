import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { startProcess } from '../../support/process.ts';
import { referenceEnvironment } from '../contract/index.ts';

test(
  'constraints.json is what extract.py makes of the pinned botocore',
  async () => {
    const { python } = await referenceEnvironment('moto');
    const script = new URL('extract.py', import.meta.url).pathname;
    const extraction = startProcess(python, [script]);
    expect(await extraction.exited).toBe(0);
    const committed = await readFile(new URL('constraints.json', import.meta.url), 'utf8');
    expect(JSON.parse(extraction.lines.join('\n'))).toEqual(JSON.parse(committed));
  },
  // The first run makes the Python environment.
  600_000,
);
