import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const cache = process.env['IDHUB_CACHE_DIR'];

/** The first command of README.md, which checks itself. */
test.each([
  ['the main job', []],
  ['the other side, as IDHub sees it', ['--idhub']],
])(
  'the demo: %s',
  async (_, flags) => {
    const demo = startProcess('npm', ['run', 'demo', '--', '--exit', ...flags], {
      cwd: root,
      ...(cache === undefined ? {} : { env: { IDHUB_CACHE_DIR: cache } }),
    });
    const code = await demo.exited;
    // Of one that fails, all that it has said.
    expect(code === 0 ? '' : `${code}\n${demo.lines.join('\n')}`).toBe('');
  },
  600_000,
);
