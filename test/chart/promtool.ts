import { join } from 'node:path';
import type { GoTool } from '../support/gobuild.ts';
import { ensureTool } from '../support/toolcache.ts';

const promtool: GoTool = {
  name: 'promtool',
  version: 'v0.316.0',
  package: 'github.com/prometheus/prometheus/cmd/promtool',
  moduleDir: join(import.meta.dirname, '../cluster/go/prometheus'),
  ldflags: '-s -w',
  // Without what finds targets at clouds, it is built in half the time.
  tags: ['remove_all_sd'],
};

/** The path of Prometheus's own tool for rules, built from its Go module where the cache does not have it (minutes). */
export function ensurePromtool(): Promise<string> {
  return ensureTool(promtool, { environment: process.env, log: (line) => console.error(line) });
}
