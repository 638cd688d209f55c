/** Builds the operator's image with docker or podman. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { buildImage, ImageError, type ImageHost } from './image/build.ts';

const usage = `Usage: npm run image -- [options] [-- further arguments of docker build or podman build]

Options:
  --tag NAME           name of the image (default: ${manifest.name}:${manifest.version})
  --base IMAGE         what it is based on: Node 24 in /nodejs/bin, /usr/local/bin or /usr/bin (default: distroless)
  --build-image IMAGE  what the bundle is built in: Node 24 with npm (default: node:24)
  --with BUILDER       docker or podman (default: whichever answers, docker first)
  --sbom FILE          where the SBOM goes that is in the image, too (default: dist/image.cdx.json)
  --archive FILE       also write the image into a file, for npm run cluster -- load
  --help               this text`;

const root = join(import.meta.dirname, '..');

const host: ImageHost = {
  answers: (program, args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0,
  run: (program, args) => spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 127,
  read: (program, args) => {
    const { status, stdout } = spawnSync(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    return status === 0 ? stdout.trim() : undefined;
  },
};

function main(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tag: { type: 'string', default: `${manifest.name}:${manifest.version}` },
      base: { type: 'string' },
      'build-image': { type: 'string' },
      with: { type: 'string' },
      sbom: { type: 'string', default: join(root, 'dist/image.cdx.json') },
      archive: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const builder = values.with;
  if (builder !== undefined && builder !== 'docker' && builder !== 'podman') {
    throw new ImageError(`--with is "${builder}"; write docker or podman`);
  }
  const sbom = resolve(values.sbom);
  mkdirSync(dirname(sbom), { recursive: true });
  const said = buildImage(
    {
      tag: values.tag,
      base: values.base,
      buildImage: values['build-image'],
      builder,
      sbom,
      archive: values.archive === undefined ? undefined : resolve(values.archive),
      further: positionals,
      version: manifest.version,
      root,
    },
    host,
  );
  console.log(said.join('\n'));
  return 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof ImageError ? 1 : 2;
}
