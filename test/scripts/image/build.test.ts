import { describe, expect, test } from '@jest/globals';
import {
  buildImage,
  chooseBuilder,
  type ImageHost,
  type ImageRequest,
} from '../../../scripts/image/build.ts';

const request: ImageRequest = {
  tag: 'connector:1',
  base: undefined,
  buildImage: undefined,
  builder: undefined,
  sbom: '/out/sbom.json',
  archive: undefined,
  further: [],
  version: '1.2.3',
  root: '/src',
};

/** A machine on which these programs answer, and these commands fail. */
function machine(programs: readonly string[], failing: readonly string[] = []) {
  const calls: string[] = [];
  const fails = (args: readonly string[]): boolean => failing.includes(args[0] ?? '');
  const host: ImageHost = {
    answers: (program) => programs.includes(program),
    run: (program, args) => {
      calls.push([program, ...args].join(' '));
      return fails(args) ? 3 : 0;
    },
    read: (program, args) => {
      if (program === 'git') {
        return programs.includes('git') ? `<${args[2]}>` : undefined;
      }
      calls.push([program, ...args].join(' '));
      return fails(args) ? undefined : 'c1';
    },
  };
  return { host, calls };
}

describe('which builder', () => {
  test.each([
    [['docker', 'podman'], undefined, 'docker'],
    [['podman'], undefined, 'podman'],
    [['docker', 'podman'], 'podman', 'podman'],
  ] as const)('of %j, asked for %s: %s', (there, wanted, chosen) => {
    expect(chooseBuilder(wanted, (program) => there.some((each) => each === program))).toBe(chosen);
  });

  test.each([
    [undefined, /^neither docker \(with its daemon running\) nor podman is there: install one/],
    ['docker', /^docker does not answer \(is its daemon running\?\): .* leave --with out/],
    ['podman', /^podman does not answer: install or start it/],
  ] as const)('%s, and it is not there', (wanted, sentence) => {
    expect(() => chooseBuilder(wanted, () => false)).toThrow(sentence);
  });
});

describe('what is run', () => {
  test('all that can be given', () => {
    const { host, calls } = machine(['podman', 'git']);
    const said = buildImage(
      { ...request, base: 'b:1', buildImage: 'n:1', archive: '/out/i.tar', further: ['--no-cache'] },
      host,
    );
    expect(calls).toEqual([
      'podman build --tag=connector:1 --build-arg=VERSION=1.2.3 --build-arg=REVISION=<describe> ' +
        '--build-arg=CREATED=<log> --build-arg=BASE_IMAGE=b:1 --build-arg=BUILD_IMAGE=n:1 --no-cache /src',
      'podman create connector:1',
      'podman cp c1:/app/sbom.cdx.json /out/sbom.json',
      'podman rm c1',
      'podman save --format=docker-archive --output=/out/i.tar connector:1',
    ]);
    expect(said).toEqual(['Image: connector:1 (podman)', 'SBOM: /out/sbom.json', 'Archive: /out/i.tar']);
  });

  test('as little as can be given, from an archive of the sources, without git', () => {
    const { host, calls } = machine(['docker']);
    expect(buildImage(request, host)).toEqual(['Image: connector:1 (docker)', 'SBOM: /out/sbom.json']);
    expect(calls[0]).toBe('docker build --tag=connector:1 --build-arg=VERSION=1.2.3 /src');
  });

  test('docker saves in its own form', () => {
    const { host, calls } = machine(['docker']);
    buildImage({ ...request, archive: '/out/i.tar' }, host);
    expect(calls.at(-1)).toBe('docker save --output=/out/i.tar connector:1');
  });
});

describe('what fails', () => {
  test.each([
    ['build', /^docker build failed \(3\), see above\. Where images .* --base and --build-image/],
    ['create', /^docker cannot make a container of connector:1/],
    ['cp', /^the SBOM could not be copied to \/out\/sbom\.json/],
    ['save', /^the image could not be saved to \/out\/i\.tar/],
  ])('%s', (command, sentence) => {
    const { host } = machine(['docker'], [command]);
    expect(() => buildImage({ ...request, archive: '/out/i.tar' }, host)).toThrow(sentence);
  });

  test('a container that was made for the SBOM is removed, come what may', () => {
    const { host, calls } = machine(['docker'], ['cp']);
    expect(() => buildImage(request, host)).toThrow('the SBOM could not be copied');
    expect(calls.at(-1)).toBe('docker rm c1');
  });
});
