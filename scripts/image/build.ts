/** What runs a command; its output goes to the terminal unless it is asked for. */
export interface ImageHost {
  /** Whether a program can be started and answers. */
  readonly answers: (program: string, args: readonly string[]) => boolean;
  /** Runs it to its end; the exit code, 127 where it cannot be started. */
  readonly run: (program: string, args: readonly string[]) => number;
  /** Standard output of it, without the last line break; undefined where it fails. */
  readonly read: (program: string, args: readonly string[]) => string | undefined;
}

export interface ImageRequest {
  readonly tag: string;
  readonly base: string | undefined;
  readonly buildImage: string | undefined;
  readonly builder: 'docker' | 'podman' | undefined;
  /** Where the SBOM goes. */
  readonly sbom: string;
  /** Where the image goes as an archive; undefined for nowhere. */
  readonly archive: string | undefined;
  /** Further arguments of the builder's build. */
  readonly further: readonly string[];
  readonly version: string;
  readonly root: string;
}

/** Why there is no image, and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** @throws {ImageError} where there is none */
export function chooseBuilder(
  wanted: 'docker' | 'podman' | undefined,
  answers: ImageHost['answers'],
): 'docker' | 'podman' {
  for (const builder of wanted === undefined ? (['docker', 'podman'] as const) : [wanted]) {
    // docker is there without its daemon, too; podman needs none.
    if (
      answers(builder, builder === 'docker' ? ['version', '--format={{.Server.Version}}'] : ['--version'])
    ) {
      return builder;
    }
  }
  throw new ImageError(
    wanted === undefined
      ? 'neither docker (with its daemon running) nor podman is there: install one of them; on Debian, apt-get install podman'
      : `${wanted} does not answer${wanted === 'docker' ? ' (is its daemon running?)' : ''}: install or start it, or leave --with out to take whichever is there`,
  );
}

/** Builds the image, and takes the SBOM out of it. @returns what was made, a line each */
export function buildImage(request: ImageRequest, host: ImageHost): readonly string[] {
  const { archive, base, buildImage: buildStage, further, root, sbom, tag, version } = request;
  const builder = chooseBuilder(request.builder, host.answers);
  const git = (args: readonly string[]): string | undefined => host.read('git', ['-C', root, ...args]);
  const args = {
    VERSION: version,
    // A tree that is not that commit says so (git-describe(1), --dirty).
    REVISION: git(['describe', '--always', '--abbrev=40', '--exclude=*', '--dirty']),
    // Of the commit, so that the same commit gives the same label.
    CREATED: git(['log', '-1', '--format=%cI']),
    BASE_IMAGE: base,
    BUILD_IMAGE: buildStage,
  };
  const given = Object.entries(args).filter((each): each is [string, string] => each[1] !== undefined);
  const built = host.run(builder, [
    'build',
    `--tag=${tag}`,
    ...given.map(([name, value]) => `--build-arg=${name}=${value}`),
    ...further,
    root,
  ]);
  if (built !== 0) {
    throw new ImageError(
      `${builder} build failed (${built}), see above. Where images or packages cannot be fetched, ` +
        '--base and --build-image name ones that can (docs/image.md)',
    );
  }
  const container = host.read(builder, ['create', tag]);
  if (container === undefined) {
    throw new ImageError(`${builder} cannot make a container of ${tag}, to take the SBOM out of it`);
  }
  const copied = host.run(builder, ['cp', `${container}:/app/sbom.cdx.json`, sbom]);
  host.read(builder, ['rm', container]);
  if (copied !== 0) {
    throw new ImageError(`the SBOM could not be copied to ${sbom}`);
  }
  const said = [`Image: ${tag} (${builder})`, `SBOM: ${sbom}`];
  if (archive === undefined) {
    return said;
  }
  const form = builder === 'podman' ? ['--format=docker-archive'] : [];
  if (host.run(builder, ['save', ...form, `--output=${archive}`, tag]) !== 0) {
    throw new ImageError(`the image could not be saved to ${archive}: is there a file of that name?`);
  }
  return [...said, `Archive: ${archive}`];
}
