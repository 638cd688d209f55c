/** `npm run import-env -- .env`: the vendor's configuration as manifests of this operator. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { importEnv } from './import-env/run.ts';

const { code, stdout, stderr } = importEnv(process.argv.slice(2), (path, besides) => {
  try {
    return readFileSync(besides === undefined ? path : resolve(dirname(besides), path), 'utf8');
  } catch {
    return undefined;
  }
});
process.stderr.write(stderr);
process.stdout.write(stdout);
process.exitCode = code;
