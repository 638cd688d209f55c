import { readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { baseImage, makeBaseImages } from './base.ts';
import { runImageScript } from './build.ts';
import { Podman } from './podman.ts';

jest.setTimeout(900_000);

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
};
const image = 'localhost/idhub-aws-connector:test';
/** What the image may add to its base, in bytes: the bundle is 4.4 MB. */
const budget = 6_000_000;

let podman: Podman;
let said: string;

beforeAll(async () => {
  podman = new Podman();
  await makeBaseImages(podman);
  const built = await runImageScript(podman, [
    `--tag=${image}`,
    `--sbom=${podman.dir}/sbom.json`,
    `--archive=${podman.dir}/image.tar`,
  ]);
  said = `${built.stdout}${built.stderr}`;
  expect(`${built.code} ${said}`).toMatch(/^0 /);
});

afterAll(() => podman.remove());

interface Inspected {
  readonly Config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly Size: number;
}

async function inspect(name: string): Promise<Inspected> {
  const [found] = JSON.parse(await podman.must(['image', 'inspect', name])) as Inspected[];
  if (found === undefined) {
    throw new Error(`there is no image ${name}`);
  }
  return found;
}

const inside = async (code: string): Promise<unknown> =>
  JSON.parse((await podman.runImage(image, ['-e', code], ['--entrypoint=node'])).stdout);

describe('the image', () => {
  test('says what it is, runs as nobody, and starts the bundle', async () => {
    const { Config: config } = await inspect(image);
    expect(config.User).toBe('65532:65532');
    expect(config.Entrypoint).toEqual(['node', '--max-semi-space-size=8', '/app/operator.mjs']);
    expect(config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'idhub-aws-connector',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}(-dirty)?$/),
      'org.opencontainers.image.created': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  test('has the bundle, licenses and SBOM, and nothing else of the build', async () => {
    expect(await inside('console.log(JSON.stringify(fs.readdirSync("/app")))')).toEqual([
      'LICENSE',
      'licenses.txt',
      'operator.mjs',
      'operator.mjs.LEGAL.txt',
      'sbom.cdx.json',
    ]);
    expect(await inside('console.log(fs.existsSync("/build"))')).toBe(false);
  });

  test(`adds less than ${budget} bytes to its base`, async () => {
    const added = (await inspect(image)).Size - (await inspect(baseImage)).Size;
    expect(added).toBeGreaterThan(1_000_000);
    expect(added).toBeLessThan(budget);
  });

  test('runs as 65532 on Node 24, and can write nothing', async () => {
    const code =
      'const no = (path) => { try { fs.writeFileSync(path, ""); return "written"; } catch (error) { return error.code; } };' +
      'console.log(JSON.stringify([process.getuid(), process.getgid(), process.version.split(".")[0], no("/app/x"), no("/tmp/x")]))';
    expect(await inside(code)).toEqual([65532, 65532, 'v24', 'EROFS', 'EROFS']);
  });

  test.each([
    ['its version', ['--version'], 0, `${manifest.version}\n`, ''],
    ['its flags', ['--help'], 0, expect.stringContaining('--http-address HOST:PORT'), ''],
    ['an unknown flag', ['--nonsense'], 2, '', expect.stringContaining("'--nonsense' (see --help)")],
    [
      'a wrong flag',
      ['--workers=0'],
      2,
      '',
      expect.stringContaining('--workers (or IDHUB_AWS_WORKERS) is "0"'),
    ],
    ['no cluster', [], 1, expect.stringContaining('"msg":"cannot start"'), ''],
  ])('%s', async (_, args, code, stdout, stderr) => {
    expect(await podman.runImage(image, args)).toEqual({ code, stdout, stderr });
  });

  test('SIGTERM ends it with 0, while it waits for the API server too', async () => {
    const kubeconfig = join(podman.dir, 'kubeconfig');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
        users: [{ name: 'u', user: { token: 'none' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
    const operator = podman.start(
      image,
      ['--kubeconfig=/kubeconfig'],
      ['--name=operator', `--volume=${kubeconfig}:/kubeconfig:ro`],
    );
    await operator.line((line) => line.includes('waiting for the API server'));
    await podman.must(['kill', '--signal=TERM', 'operator']);
    expect(await operator.exited).toBe(0);
    expect(operator.lines.join('\n')).toContain('"msg":"stopping","signal":"SIGTERM"');
  });
});

describe('the SBOM', () => {
  interface Bill {
    readonly bomFormat: string;
    readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
    readonly components: readonly {
      readonly purl: string;
      readonly hashes?: readonly unknown[];
      readonly licenses?: readonly unknown[];
    }[];
  }

  test('beside the image is the one in it, and lists each package of the bundle with its checksum', async () => {
    const beside = await readFile(`${podman.dir}/sbom.json`, 'utf8');
    expect(await inside('console.log(fs.readFileSync("/app/sbom.cdx.json", "utf8"))')).toEqual(
      JSON.parse(beside),
    );
    const bill = JSON.parse(beside) as Bill;
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: manifest.name, version: manifest.version } },
    });
    expect(bill.components.map(({ purl }) => purl)).toEqual(
      expect.arrayContaining(
        Object.entries(manifest.dependencies).map(
          ([name, version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`,
        ),
      ),
    );
    expect(bill.components.filter(({ hashes = [] }) => hashes.length === 0)).toEqual([]);
    const names = bill.components.map(({ purl }) => purl);
    expect(names.filter((purl) => /pkg:npm\/(jest|typescript|esbuild)@/.test(purl))).toEqual([]);
    const licenses = String(
      await inside('console.log(JSON.stringify(fs.readFileSync("/app/licenses.txt", "utf8")))'),
    );
    const lines = new Set(licenses.split('\n'));
    const purls = [...lines].flatMap((line) => {
      const [, name = '', version = ''] = /^(\S+)@(\S+): \S/.exec(line) ?? [];
      return name === '' ? [] : [`pkg:npm/${name.replace('@', '%40')}@${version}`];
    });
    expect(purls.sort()).toEqual([...names].sort());
    expect(licenses).not.toContain('no license named');
    expect(licenses).toContain('Permission is hereby granted, free of charge');
    expect(licenses).toContain('Apache License');
  });
});

test('the archive is there, and what was made is said', async () => {
  expect((await stat(`${podman.dir}/image.tar`)).size).toBeGreaterThan(50_000_000);
  expect(said).toContain(
    `Image: ${image} (podman)\nSBOM: ${podman.dir}/sbom.json\nArchive: ${podman.dir}/image.tar\n`,
  );
});
