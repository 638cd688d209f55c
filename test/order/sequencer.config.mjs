import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';
import { longFirst } from './long-first.ts';

/** The order of jest, but where it has no time of a long suite, that one comes before the others. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    return longFirst(super.sort(tests), (test) => ({
      name: relative(test.context.config.rootDir, test.path),
      timed: test.duration !== undefined,
      failed: this.hasFailed(test),
    }));
  }
}
